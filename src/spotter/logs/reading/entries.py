"""One entry of a log file: a line, with the stack trace that may follow it."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import logging
import re
from typing import Any

import orjson

from spotter.logs.reading.times import time_of

_HEAD = re.compile(
    r"\S+[ T]\S+?(?: Z)?\s+\[?(?P<level>[A-Z]{4,8})\]?\s+(?P<logger>[\w.-]+)?:?\s*"
)
_PAIR = re.compile(r'(?<![\w.=-])([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|[^\s\]]*)')
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
NAMES = {
    "level": ("level", "levelname", "severity"),
    "logger": ("logger", "name"),
    "message": ("message", "msg", "event"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """What a file says in one place; parsed as far as it is asked about."""

    raw: bytes
    at: datetime.datetime | None
    file: str = ""

    @functools.cached_property
    def text(self) -> str:
        """The entry as it stands, safe to print."""
        return printable(self.raw.decode("utf-8", "replace").rstrip("\n"))

    @functools.cached_property
    def document(self) -> dict[str, Any] | None:
        """The entry's JSON object; None when it is a text line, or torn."""
        first, _, _ = self.raw.partition(b"\n")
        if not first.startswith(b"{"):
            return None
        try:
            # The parser of the standard library takes NaN, as other writers make it.
            value = orjson.loads(first) if b"NaN" not in first else json.loads(first)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    @functools.cached_property
    def head(self) -> re.Match[str] | None:
        return None if self.document is not None else _HEAD.match(self.text)

    @functools.cached_property
    def fields(self) -> dict[str, Any]:
        """The named values: of the JSON object, or of `key=value` in the text."""
        if self.document is not None:
            return self.document
        first, _, _ = self.text.partition("\n")
        return {name: unquoted(value) for name, value in _PAIR.findall(first)}

    @property
    def level(self) -> str:
        return self.part("level").upper()

    @property
    def level_number(self) -> int:
        """The level as a number; 0 when the entry has none."""
        return logging.getLevelNamesMapping().get(self.level, 0)

    @property
    def logger(self) -> str:
        return self.part("logger")

    @property
    def message(self) -> str:
        if self.document is not None:
            return self.part("message")
        return self.text[self.head.end() :] if self.head else self.text

    def part(self, name: str) -> str:
        if self.document is not None:
            given = (self.document.get(key) for key in NAMES[name])
            return next((str(value) for value in given if value is not None), "")
        return (self.head[name] or "") if self.head else ""

    def field(self, name: str) -> str | None:
        """Give a field as text; `a.b` looks inside an object, None is no such field."""
        value: Any = self.fields
        if name in self.fields:
            value = self.fields[name]
        else:
            for key in name.split("."):
                value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            return None
        return value if isinstance(value, str) else json.dumps(value)


def printable(text: str) -> str:
    """Show what could drive a terminal as its code; tabs and newlines stay."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def unquoted(value: str) -> str:
    """Take the quotes off a value that needed them."""
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value.strip('"')


def entry(raw: bytes, file: str) -> Entry:
    """Make an entry of the bytes of its lines."""
    return Entry(raw=raw, at=time_of(raw), file=file)
