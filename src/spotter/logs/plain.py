"""Make of any value one that JSON can hold: bounded, and never raising."""

from __future__ import annotations

import datetime
import decimal
import math
import os
import uuid
from typing import Any

MAX_TEXT = 8 * 1024
MAX_ITEMS = 100
MAX_DEPTH = 6
_PRINTED = (datetime.date, datetime.time, decimal.Decimal, uuid.UUID, os.PathLike)


def cut(text: str, limit: int = MAX_TEXT) -> str:
    """Bound a text and say how much is gone; not in mid-word, where a secret may be."""
    if len(text) <= limit:
        return text
    end = max(text.rfind(" ", limit - 256, limit), text.rfind("\n", limit - 256, limit))
    end = limit if end < 0 else end
    return f"{text[:end]}…[cut: {len(text) - end} more characters]"


def valid(text: str) -> str:
    """Write lone surrogates, which UTF-8 has not, as their codes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def text_of(value: object) -> str:
    """Give an object's `repr`, or what there is to say when that fails."""
    try:
        return valid(cut(repr(value)))
    except Exception as error:  # noqa: BLE001 (a stranger's __repr__; the line says so)
        return f"<{type(value).__name__}: repr failed, {type(error).__name__}>"


def plain(value: Any, depth: int = 0) -> Any:
    """Copy a value as dicts, lists, texts, numbers, booleans and None."""
    if value is None or value is True or value is False:
        return value
    if type(value) is str:
        return valid(cut(value))
    try:
        return (
            plain_number(value)
            if isinstance(value, int | float)
            else deep(value, depth)
        )
    except Exception:  # noqa: BLE001 (a container that raises when looked into)
        return text_of(value)


def plain_number(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    number = int(value)
    return number if -(2**63) <= number < 2**63 else text_of(number)


def deep(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return valid(cut(str(value)))
    if isinstance(value, bytes | bytearray):
        return cut(bytes(value[: MAX_TEXT + 1]).decode("utf-8", "backslashreplace"))
    if isinstance(value, _PRINTED):
        return valid(cut(str(value)))
    if isinstance(value, dict | list | tuple | set | frozenset):
        # A cycle ends here too.
        return contents(value, depth + 1) if depth < MAX_DEPTH else "…[too deep]"
    return text_of(value)


def contents(value: Any, depth: int) -> Any:
    more = len(value) - MAX_ITEMS
    if isinstance(value, dict):
        items = list(value.items())[:MAX_ITEMS]
        pairs = {key_of(key): plain(item, depth) for key, item in items}
        return pairs | ({"…": f"[cut: {more} more]"} if more > 0 else {})
    listed = [plain(item, depth) for item in list(value)[:MAX_ITEMS]]
    return listed + ([f"…[cut: {more} more]"] if more > 0 else [])


def key_of(key: object) -> str:
    return valid(cut(key if type(key) is str else text_of(key), 200))
