"""Programs of the system that drills use."""

from __future__ import annotations

import shutil

from spotter.drills.drill import Undrillable


def program(name: str) -> str:
    """Where a program is; raises Undrillable when it is nowhere."""
    found = shutil.which(name)
    if found is None:
        raise Undrillable(f"there is no {name} here")
    return found
