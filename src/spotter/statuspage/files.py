"""The status page as files, for a host that stays up when this one does not."""

from __future__ import annotations

import os
import pathlib
import tempfile

from spotter.statuspage import rendering
from spotter.statuspage.snapshot import Snapshot


def write(folder: pathlib.Path, snapshot: Snapshot, base: str) -> list[pathlib.Path]:
    """Write them, each whole or not at all; the page last, since it names the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        **{name: rendering.asset(name) for name in rendering.ASSETS},
        "status.json": rendering.as_json(snapshot, base),
        "status.rss": rendering.as_rss(snapshot, base),
        "index.html": rendering.as_html(snapshot, base),
    }
    for name, content in contents.items():
        replace(folder / name, content)
    return [folder / name for name in contents]


def replace(path: pathlib.Path, content: bytes) -> None:
    """Put a file in another's place, never half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # For the web server to read: it is public.
        pathlib.Path(name).chmod(0o644)
        pathlib.Path(name).replace(path)
    except OSError:
        pathlib.Path(name).unlink(missing_ok=True)
        raise
