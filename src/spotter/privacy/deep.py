"""Scrubbing structures: a copy is given, what came in is never touched."""

from __future__ import annotations

import collections.abc
import datetime
import decimal
import re
import uuid
from typing import Any

from spotter.privacy.allowance import allowed_categories, allowed_keys
from spotter.privacy.keys import is_secret_key
from spotter.privacy.text import scrub_text
from spotter.privacy.values import FILTERED, is_card

DEPTH_LIMIT = 40
ITEM_LIMIT = 200_000
TEXT_LIMIT = 1_000_000
TOO_DEEP = "[Too deep]"
TOO_LARGE = "[Too large]"
CYCLE = "[Cycle]"

_PLAIN = (
    type(None), bool, float, complex, decimal.Decimal, uuid.UUID,
    datetime.date, datetime.time, datetime.timedelta,
)  # fmt: skip
# Sixteen hexadecimal digits can be sixteen digits that pass for a card's number.
_IDENTIFIERS = frozenset({
    "event_id", "parent_span_id", "profiler_id", "request_id", "segment_id", "span_id",
    "trace_id",
})  # fmt: skip
_IDENTIFIER = re.compile(r"[0-9a-fA-F-]{16,36}")
_SMALLEST_CARD = 10**12


def scrub(value: Any) -> Any:
    """
    Give a scrubbed deep copy of a structure; what came in is never changed.

    Mappings become dicts; an object that is no container becomes its scrubbed `repr`.
    What is too deep, too large or within itself is replaced by a word in brackets.
    """
    return _Scrubbing().any(value, 0)


class _Scrubbing:
    """One walk through one structure."""

    def __init__(self) -> None:
        self.allowed_keys = allowed_keys()
        self.left = ITEM_LIMIT
        self.open: set[int] = set()

    def any(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, int):
            return _whole_number(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return _bytes(bytes(value))
        return self.container(value, depth)

    def container(self, value: Any, depth: int) -> Any:
        if not isinstance(
            value, (collections.abc.Mapping, list, tuple, set, frozenset)
        ):
            return _text(_representation(value))
        self.left -= len(value)
        if id(value) in self.open:
            return CYCLE
        if depth >= DEPTH_LIMIT:
            return TOO_DEEP
        if self.left < 0:
            return TOO_LARGE
        self.open.add(id(value))
        try:
            return self.inside(value, depth + 1)
        finally:
            self.open.discard(id(value))

    def inside(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            # dict.items, since a QueryDict's own gives only the last of its values.
            return self.pairs(dict.items(value), depth)
        if isinstance(value, collections.abc.Mapping):
            return self.pairs(value.items(), depth)
        items = [self.any(item, depth) for item in value]
        if isinstance(value, (set, frozenset)):
            return type(value)(items) if type(value) in (set, frozenset) else set(items)
        return self.sequence(value, items)

    def sequence(self, value: Any, items: list[Any]) -> Any:
        # A header as ASGI gives it: (b"authorization", b"…").
        if len(items) == 2 and self.hides(value[0], value[1]):
            items[1] = FILTERED
        return tuple(items) if isinstance(value, tuple) else items

    def pairs(self, items: Any, depth: int) -> dict[Any, Any]:
        return {_key(key): self.under(key, value, depth) for key, value in list(items)}

    def under(self, key: Any, value: Any, depth: int) -> Any:
        if self.hides(key, value):
            return FILTERED
        if key in _IDENTIFIERS and _is_identifier(value):
            return value
        return self.any(value, depth)

    def hides(self, key: Any, value: Any) -> bool:
        if value is None or isinstance(value, bool) or value in ("", b""):
            return False
        name = key.decode("latin-1") if isinstance(key, bytes) else key
        if not isinstance(name, str) or not is_secret_key(name):
            return False
        return name.lower() not in self.allowed_keys


def _key(key: Any) -> Any:
    if isinstance(key, str):
        return scrub_text(key)
    if isinstance(key, (*_PLAIN, int)):
        return key
    return _bytes(key) if isinstance(key, bytes) else scrub_text(_representation(key))


def _text(text: str) -> str:
    if len(text) > TEXT_LIMIT:
        return scrub_text(text[:TEXT_LIMIT]) + TOO_LARGE
    return scrub_text(text)


def _bytes(data: bytes) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    return _text(text).encode("utf-8", "surrogateescape")


def _whole_number(number: int) -> int | str:
    if number < _SMALLEST_CARD or number > 10**19:
        return number
    hidden = is_card(str(int(number))) and "card" not in allowed_categories()
    return FILTERED if hidden else number


def _is_identifier(value: Any) -> bool:
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def _representation(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 (a host's repr may raise anything, and it is only a description)
        return f"<{type(value).__name__} whose repr() failed>"
