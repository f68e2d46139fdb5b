"""Which addresses are for machines that look after the service."""

from __future__ import annotations

import logging

from spotter.conf import get_settings

NAMES = ("health", "ready", "live", "metrics")


def probe_at(path: str) -> str:
    """Which of the four a path asks for, with or without a slash; "" when none."""
    given = path.removesuffix("/")
    name = given[given.rfind("/") + 1 :]
    if name not in NAMES:
        return ""  # as nearly every request
    prefix = get_settings().probe_prefix.strip("/")
    root = f"/{prefix}" if prefix else ""
    return name if given == f"{root}/{name}" else ""


def is_probe(path: str) -> bool:
    """Whether a path is a probe's or a scraper's, so no part of the traffic."""
    return bool(probe_at(path))


class SkipProbes(logging.Filter):
    """Keep probes out of the access logs of gunicorn, uvicorn and runserver."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is worth keeping."""
        return not is_probe(path_of(record).partition("?")[0])


def path_of(record: logging.LogRecord) -> str:
    """The path in an access line's arguments; "" when it is no access line."""
    arguments = record.args
    if isinstance(arguments, dict):  # gunicorn's atoms
        return str(arguments.get("U", ""))
    if not arguments or not isinstance(arguments, tuple):
        return ""
    if len(arguments) == 5:  # uvicorn: client, method, path, version, status
        return str(arguments[2])
    # runserver: "GET /path HTTP/1.1", status, size
    words = str(arguments[0]).split(" ")
    return words[1] if len(words) == 3 else ""
