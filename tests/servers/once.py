"""What is made once in a run of the tests, whichever of its processes comes first."""

from __future__ import annotations

import fcntl
import os
import pathlib
import tempfile
from collections.abc import Callable

import pytest


def shared_folder(factory: pytest.TempPathFactory) -> pathlib.Path:
    """The temporary folder that all processes of this run have, and no other run."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def made_once(
    folder: pathlib.Path, name: str, make: Callable[[pathlib.Path], None]
) -> pathlib.Path:
    """
    Give `folder / name`, a directory that is made by the first who asks.

    Args:
        make: fills the empty directory that it is given; who comes meanwhile waits.
            What fails is made anew by the next.
    """
    made = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            half = pathlib.Path(tempfile.mkdtemp(dir=folder))
            make(half)
            half.rename(made)
    return made
