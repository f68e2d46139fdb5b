"""Which archives are old enough to go; nothing but an archive ever is."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path

from spotter.logs.reading.files import Log, modified_at


def older_than(logs: Iterable[Log], before: datetime.datetime) -> list[Path]:
    """Give the archives last written before an instant, the oldest first."""
    archives = [path for log in logs for path in log.archives]
    old = [path for path in archives if is_old(path, before)]
    return sorted(old, key=modified_at)


def is_old(path: Path, before: datetime.datetime) -> bool:
    # A symbolic link may lead anywhere.
    is_file = path.is_file() and not path.is_symlink()
    return is_file and modified_at(path) < before.timestamp()
