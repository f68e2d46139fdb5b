"""What explains the rest while it fires: its consequences page nobody a second time."""

from __future__ import annotations

#: Only what pages by itself may be here: a warning that nobody hurries to must never
#: hide a page.
CAUSES = ("DatabaseDown", "CacheDown")
