"""What is used of the host, or of the container's share of it, and by each process."""

from __future__ import annotations
