"""How a record is written: as text for people, or as one JSON object for programs."""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import sys
import time
import traceback
from types import TracebackType
from typing import Any

import orjson

from spotter import context, privacy
from spotter.logs.plain import cut, plain, text_of, valid

Fields = dict[str, Any]

MAX_LINE = 64 * 1024
MAX_STACK = 24 * 1024
MAX_EXTRA = 24 * 1024
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
}
_OURS = frozenset(("time", "level", "logger", "process", "message", "stack"))
_CONTEXT = ("request_id", "trace_id", "user_id", "route")
# Control characters, and those that reorder what a terminal shows.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BARE = re.compile(r"[\w.:/<>@+%-]+", re.ASCII)
_KEY = re.compile(r"\W", re.ASCII)
_COLOURS = {"DEBUG": 2, "INFO": 32, "WARNING": 33, "ERROR": 31, "CRITICAL": 35}
#: Where a record has what Spotter itself put there, scrubbed already: the fields, the
#: message and its arguments.
CLEAN = "_spotter_clean"
#: What a record has besides those fields: what any has, and CLEAN.
BESIDE = len(vars(logging.makeLogRecord({}))) + 1
_WITHHELD = "[withheld: it could not be scrubbed]"


#: This process's number, which asking for at every line costs a call of the kernel.
process_id = os.getpid()


def _forget_parent() -> None:
    global process_id
    process_id = os.getpid()


os.register_at_fork(after_in_child=_forget_parent)


def escaped(text: str) -> str:
    """Write what could forge a line or drive a terminal as its code."""
    return _CONTROL.sub(
        lambda match: _NAMED.get(match[0]) or f"\\x{ord(match[0]):02x}", text
    )


def instant(created: float) -> str:
    """Give `2024-01-15 10:22:33.123Z`: UTC, whatever the server's zone is."""
    milliseconds = int(created * 1000)
    return f"{second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@functools.lru_cache(maxsize=16)
def second(seconds: int) -> str:
    """A whole second, which many lines have in common."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def clean_fields(record: logging.LogRecord) -> dict[str, Any] | None:
    """
    The record's fields, if all of them are Spotter's own: scrubbing them would cost
    more than the rest of the line. None when somebody has added or changed one.
    """
    fields = record.__dict__
    marked = fields.get(CLEAN)
    if marked is None:
        return None
    clean: dict[str, Any]
    clean, message, arguments = marked
    if record.msg is not message or record.args is not arguments:
        return None
    for name, value in clean.items():
        if fields.get(name) is not value:
            return None
    if len(fields) != len(clean) + BESIDE:
        for name in fields.keys() - _STANDARD - clean.keys():
            if not name.startswith("_spotter"):
                return None
    return clean


def told(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    """The message and the fields, without anything that is nobody's business."""
    clean = clean_fields(record)
    if clean is not None:
        return record.getMessage(), clean
    return message_of(record), extra_of(record)


def scrubbed(text: str) -> str:
    try:
        return privacy.scrub_text(text)
    except Exception:  # noqa: BLE001 (unscrubbed text must not get out; the line says so)
        return _WITHHELD


def message_of(record: logging.LogRecord) -> str:
    """Give the message; a call whose arguments do not fit it is not lost."""
    try:
        message = record.getMessage()
    except Exception as error:  # noqa: BLE001 (the caller's mistake; the line says so)
        message = (
            f"{record.msg if isinstance(record.msg, str) else text_of(record.msg)} "
            f"[bad log call: {type(error).__name__}; args={text_of(record.args)}]"
        )
    return scrubbed(valid(cut(message)))


def stack_of(record: logging.LogRecord) -> str:
    """Give the exception with its traceback, and the stack if one was asked for."""
    parts = [str(record.exc_text or "")]
    if record.exc_info and record.exc_info[0]:
        parts = [traceback_of(*record.exc_info)]
    parts.append(str(record.stack_info or ""))
    text = "\n".join(part.rstrip("\n") for part in parts if part)
    if len(text) > MAX_STACK:
        # The end names the error, the start where it began.
        half = MAX_STACK // 2
        text = f"{text[:half]}\n…[cut: {len(text) - 2 * half}]\n{text[-half:]}"
    return scrubbed(valid(text)) if text else ""


def traceback_of(
    kind: type[BaseException] | None,
    error: BaseException | None,
    frames: TracebackType | None,
) -> str:
    try:
        return "".join(traceback.format_exception(kind, error, frames))
    except Exception as failure:  # noqa: BLE001 (a hostile exception; the line says so)
        name = getattr(kind, "__name__", "Exception")
        return f"{name}: no traceback, {type(failure).__name__}"


def extra_of(record: logging.LogRecord) -> dict[str, Any]:
    """Give the request's identity and the `extra=` fields, scrubbed and bounded."""
    found: dict[str, Any] = {}
    current = context.current()
    if current is not None:
        found = {name: getattr(current, name) for name in _CONTEXT}
    given = {
        (f"{name}_" if name in _OURS else str(name)): value
        for name, value in vars(record).items()
        if name not in _STANDARD and not name.startswith("_spotter")
    }
    found = {name: value for name, value in found.items() if value}
    if not given:
        return found
    try:
        return bounded(found | privacy.scrub(plain(given)))
    except Exception:  # noqa: BLE001 (unscrubbed values must not get out)
        return found | {"extra": _WITHHELD}


def bounded(fields: dict[str, Any]) -> dict[str, Any]:
    """Cut the fields that make a line too long."""
    room = MAX_EXTRA
    kept = {}
    for name, value in fields.items():
        size = len(value) if isinstance(value, str) else len(orjson.dumps(value))
        room -= size
        kept[name] = value if room >= 0 else f"…[cut: {size}]"
    return kept


class Text(logging.Formatter):
    """
    One line for people; a traceback follows it, indented.

    Args:
        colour: colour the level, if stderr is a terminal and NO_COLOR is not set.
    """

    def __init__(self, colour: bool = False) -> None:
        super().__init__()
        self.colour = colour and sys.stderr.isatty() and "NO_COLOR" not in os.environ

    def format(self, record: logging.LogRecord) -> str:
        """Give the line or lines, without the last newline."""
        message, extra = told(record)
        fields = {"process": record.process, **extra}
        pairs = " ".join(f"{name_of(key)}={word(fields[key])}" for key in fields)
        level = escaped(record.levelname)
        if self.colour:
            level = f"\x1b[{_COLOURS.get(record.levelname, 0)}m{level}\x1b[0m"
        name = _CONTROL.sub("?", valid(record.name)).replace(" ", "_")
        head = f"{instant(record.created)} {level} {name}: "
        line = head + escaped(message) + " " + pairs
        if len(line) > MAX_LINE // 2:
            line = shortened(line, MAX_LINE // 2)
        stack = stack_of(record)
        # Indented: no line of it can be taken for a line of the log.
        lines = (escaped(part) for part in stack.splitlines())
        return shortened(line + "".join(f"\n    {part}" for part in lines), MAX_LINE)


def shortened(text: str, size: int) -> str:
    """Bound the bytes of a text."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= size:
        return text
    return data[: size - 32].decode("utf-8", "ignore") + " …[cut]"


def name_of(key: str) -> str:
    return _KEY.sub("_", key) or "_"


def word(value: Any) -> str:
    """Write a value bare where that is clear, else as JSON."""
    if isinstance(value, str):
        if _BARE.fullmatch(value):
            return value
        return escaped(json.dumps(value, ensure_ascii=False))
    return escaped(json.dumps(value, ensure_ascii=False))


class Json(logging.Formatter):
    """One JSON object a line, valid whatever was logged."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the object, without the newline."""
        message, extra = told(record)
        line = {
            "time": instant(record.created),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": message,
            **extra,
        }
        if record.exc_info or record.exc_text or record.stack_info:
            line["stack"] = stack_of(record)
        return self.dumped(line).decode()

    def dumped(self, line: Fields) -> bytes:
        """A line whose fields are clean already, without the newline."""
        try:
            data = orjson.dumps(line)
        except TypeError:
            data = orjson.dumps(plain(line))
        if len(data) > MAX_LINE:
            line = {name: line[name] for name in list(line)[:5]} | {
                "stack": cut(str(line.get("stack", "")), 4096),
                "cut": len(data),
            }
            data = orjson.dumps(plain(line))
        return data
