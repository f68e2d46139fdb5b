"""Which log files there are: each with its archives, newest first."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from spotter.exceptions import SpotterError

#: An archive is a log's name and a number or a time: `api.log.1`, `api.log.2.gz`,
#: `api.log.2026-11-24T031502Z.gz`.
_ARCHIVE = re.compile(r"(?P<base>.+\.log)\.(?P<stamp>\d[\w.:+-]*?)(?P<gz>\.gz)?")


class NoLogsError(SpotterError):
    """There is nothing to read; the message says where it was looked for."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A log file, which may not exist just now, and what was rotated out of it."""

    path: Path
    archives: tuple[Path, ...]

    @property
    def parts(self) -> list[Path]:
        """Every file of it that exists, newest first."""
        return [path for path in (self.path, *self.archives) if path.is_file()]


def find_logs(directory: Path, only: Iterable[str] = ()) -> list[Log]:
    """
    Give the logs of a directory by name, or only those named.

    Raises:
        NoLogsError: the directory is missing or unreadable, or has no such log.
    """
    try:
        names = sorted(path.name for path in directory.iterdir())
    except OSError as error:
        raise NoLogsError(
            f"The log directory {directory} cannot be read ({error.strerror}). "
            "Give the right one with --directory."
        ) from error
    archives = group_archives(names)
    logs = {name for name in names if name.endswith(".log")} | set(archives)
    wanted = chosen(logs, list(only), directory)
    return [
        Log(
            path=directory / name,
            archives=newest_first(directory, archives.get(name, [])),
        )
        for name in sorted(wanted)
    ]


def chosen(logs: set[str], only: list[str], directory: Path) -> set[str]:
    """Pick the logs asked for; a name may go without `.log`."""
    if not logs:
        raise NoLogsError(
            f"There is no .log file in {directory}: nothing has logged yet."
        )
    wanted = {name if name.endswith(".log") else f"{name}.log" for name in only}
    if missing := sorted(wanted - logs):
        raise NoLogsError(
            f"There is no {', '.join(missing)} in {directory}. "
            f"There is: {', '.join(sorted(logs))}."
        )
    return wanted or logs


def group_archives(names: Collection[str]) -> dict[str, list[str]]:
    """
    Sort archives under the name of their log.

    A process that was killed just after it had compressed an archive leaves the plain
    file beside the compressed one, until the next rotation: their lines are the same.
    """
    groups: dict[str, list[str]] = {}
    present = set(names)
    for name in names:
        if f"{name}.gz" in present:
            continue
        if match := _ARCHIVE.fullmatch(name):
            groups.setdefault(match["base"], []).append(name)
    return groups


def newest_first(directory: Path, names: list[str]) -> tuple[Path, ...]:
    """Order archives by what their names say, or by age when they are of two kinds."""
    stamps = {name: stamp_of(name) for name in names}
    numbered = [stamp.isdecimal() and len(stamp) < 8 for stamp in stamps.values()]
    paths = [directory / name for name in names]
    if all(numbered):
        paths.sort(key=lambda path: int(stamps[path.name]))
    elif not any(numbered):
        paths.sort(key=lambda path: stamps[path.name], reverse=True)
    else:
        paths.sort(key=modified_at, reverse=True)
    return tuple(paths)


def stamp_of(name: str) -> str:
    match = _ARCHIVE.fullmatch(name)
    return match["stamp"] if match else ""


def modified_at(path: Path) -> float:
    """Give when a file was last written, in Unix seconds; 0 when it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def directory_of(logging_setting: Mapping[str, Any]) -> Path:
    """
    Give the directory that most handlers of `settings.LOGGING` write to.

    Raises:
        NoLogsError: no handler has a `filename`.
    """
    handlers = logging_setting.get("handlers") or {}
    names = [handler.get("filename") for handler in handlers.values()]
    directories = [Path(name).absolute().parent for name in names if name]
    if not directories:
        raise NoLogsError(
            "settings.LOGGING has no handler with a filename, so where the logs are "
            "is not known. Give --directory, or set LOGGING = spotter.logs.config()."
        )
    return max(directories, key=directories.count)
