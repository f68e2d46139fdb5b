"""Entries as they are printed: for people in colour, or as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from spotter.logs.reading.entries import NAMES, Entry, printable

Colour = Callable[[str], str]

#: The style of Django's `BaseCommand.style` that a level is printed in.
STYLES = {"WARNING": "WARNING", "ERROR": "ERROR", "CRITICAL": "ERROR"}
_HEAD = {"time", "timestamp", "@timestamp", "ts", "asctime", "request_id"}
_TOLD = _HEAD.union(*NAMES.values())
_STACKS = ("exc_info", "exception_stack", "stack", "stack_info", "traceback")


def as_text(found: Entry, style: Any, *, with_file: bool) -> str:
    """Give an entry as a line, with its stack beneath it."""
    text = found.text if found.document is None else sentence(found)
    colour: Colour = getattr(style, STYLES.get(found.level, "NOTICE"), str)
    if found.level in STYLES:
        text = colour(text)
    return f"{found.file}: {text}" if with_file else text


def sentence(found: Entry) -> str:
    """Give a JSON entry in the form that text logs have."""
    document = found.document or {}
    time = f"{found.at:%Y-%m-%d %H:%M:%S}.{found.at:%f}"[:23] + "Z" if found.at else ""
    request_id = document.get("request_id")
    head = [time, found.level, found.logger, f"[{request_id}]" if request_id else ""]
    return " ".join(part for part in (*map(one_line, head), said(found)) if part)


def said(found: Entry) -> str:
    """Give what an entry says after its time, level and logger, with its stacks."""
    document = found.document
    if document is None:
        return found.message
    rest = [
        f"{name}={plain(value)}"
        for name, value in document.items()
        if name not in _TOLD and name not in _STACKS and value is not None
    ]
    line = one_line(" ".join(part for part in (found.message, *rest) if part))
    return printable("\n".join([line, *stacks(document)]))


def one_line(text: str) -> str:
    """Give a text in which no newline looks like the end of the entry."""
    return printable(text.replace("\n", "\\n").replace("\t", "\\t"))


def stacks(document: dict[str, Any]) -> list[str]:
    """Give the stack traces of an entry, indented."""
    given = (document.get(name) for name in _STACKS)
    texts = ("\n".join(map(str, s)) if isinstance(s, list) else s for s in given if s)
    return [f"    {line}" for text in texts for line in str(text).splitlines()]


def plain(value: Any) -> str:
    """Give a value without quotes unless it needs them."""
    if isinstance(value, str) and value and not any(c in value for c in ' "\n\t='):
        return value
    return json.dumps(value, ensure_ascii=True)


def as_json(found: Entry) -> str:
    """Give an entry as one JSON object, with the file it is from."""
    document = found.document
    if document is None:
        document = {
            "time": found.at.isoformat() if found.at else None,
            "level": found.level or None,
            "logger": found.logger or None,
            "message": found.message,
        } | {name: value for name, value in found.fields.items() if name != "time"}
    return json.dumps({"file": found.file} | document, ensure_ascii=True)
