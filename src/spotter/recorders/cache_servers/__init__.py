"""What the servers behind the caches say of themselves, asked off the request."""

from __future__ import annotations
