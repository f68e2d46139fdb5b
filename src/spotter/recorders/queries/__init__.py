"""Every query: captured in the request, understood and counted off it."""

from __future__ import annotations
