"""The one line that `api.log` has for each request."""

from __future__ import annotations

import functools
import logging
import os
import re
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from spotter import privacy
from spotter.logs import formats
from spotter.logs.files import RotatingFile
from spotter.logs.formats import CLEAN, Fields

if TYPE_CHECKING:
    from spotter.context import Known
    from spotter.recorders.requests import Measured

logger = logging.getLogger("spotter.api")

#: The route of what matched no URL pattern: one value, whatever was asked for.
UNMATCHED = "__unmatched__"
METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
)
MAX_PATH = 1024
#: What Django's Signer adds, as in a heartbeat's address: who reads it could report.
SIGNATURE = re.compile(r"(/[^/:]+:)[\w-]{43}(?=/|$)")
MESSAGE = "%s %s %s"
#: What a line begins with, and a record has anyway.
HEAD = frozenset(("time", "level", "logger", "process", "message"))
SAME = vars(
    logging.LogRecord(logger.name, logging.INFO, __file__, 0, MESSAGE, (), None)
)
#: The method by which agents that ship log lines listen in, unless one does already.
UNTOUCHED = (
    logging.Logger.callHandlers
    if logging.Logger.callHandlers.__code__.co_filename == logging.__file__
    else None
)


def write(measured: Measured, known: Known) -> None:
    """
    Log the request at INFO, or at WARNING when the status is 500 or more.

    Never at ERROR: Django has logged the exception at that level already, and a
    second record would be a second event in Sentry.
    """
    context = measured.context
    status = measured.status
    route, user_id, arguments = known
    # For good: who adds it up later no longer knows what in it is a secret.
    path = measured.path = shown_path(measured.path[:MAX_PATH], arguments)
    level = logging.INFO if status < 500 else logging.WARNING
    if not logger.isEnabledFor(level):
        return
    method = measured.method if measured.method in METHODS else "_OTHER"
    # One literal: to add what begins every line later is to copy the rest.
    line: Fields = {
        "time": formats.instant(time.time()),
        "level": logging.getLevelName(level),
        "logger": logger.name,
        "process": formats.process_id,
        "message": f"{method} {path} {status}",
        "method": method,
        "route": route or UNMATCHED,
        "path": path,
        "status": status,
        "duration_ms": milliseconds(measured.seconds),
        "db_queries": context.db_queries,
        "db_ms": milliseconds(context.db_seconds) if context.db_queries else 0.0,
        "cache_hits": context.cache_hits,
        "cache_misses": context.cache_misses,
        "request_bytes": measured.request_bytes,
        "response_bytes": measured.response_bytes,
        "request_id": context.request_id,
        "trace_id": context.trace_id,
    }
    if user_id:
        line["user_id"] = user_id
    if context.exception:
        line["exception"] = context.exception
    if measured.disconnected:
        line["disconnected"] = True
    file = only_file(level)
    if file is not None:
        write_to(file, line)
        return
    fields = {name: line[name] for name in line if name not in HEAD}
    logger.handle(record_of(level, (method, path, status), fields))


def shown_path(path: str, arguments: Mapping[str, Any] | None) -> str:
    """A path without its secrets, of which the pattern's arguments may be one."""
    # Not from memory where a part of it is a secret: without its pattern it was none.
    if arguments and privacy.has_secret(arguments):
        return without_secrets(path)
    return clean_path(path)


def milliseconds(seconds: float) -> float:
    """To the microsecond; round() takes four times as long."""
    return int(seconds * 1e6 + 0.5) / 1000


def only_file(level: int) -> RotatingFile | None:
    """The file, if the line goes nowhere else and nobody wants to see its record."""
    handlers = logger.handlers
    if len(handlers) != 1 or logger.propagate or logger.filters:
        return None
    file = handlers[0]
    is_plain = (
        type(file) is RotatingFile
        and type(file.formatter) is formats.Json
        and not file.filters
        and level >= file.level
        and logging.getLogRecordFactory() is logging.LogRecord
        and logging.Logger.callHandlers is UNTOUCHED
    )
    return file if is_plain else None  # type: ignore[return-value]


def write_to(file: RotatingFile, clean: Fields) -> None:
    """Write the line as the handler would, for half of what a record costs."""
    data = cast(formats.Json, file.formatter).dumped(clean) + b"\n"
    with cast(threading.RLock, file.lock):
        file.put(data)


def record_of(
    level: int, arguments: tuple[object, ...], clean: Fields
) -> logging.LogRecord:
    """
    A record with these fields.

    Not logger.log(): it would walk the stack for a caller that is always this one. And
    what is the same in all of them is copied, unless the project makes its own records.
    """
    make = logging.getLogRecordFactory()
    if make is logging.LogRecord:
        record = logging.LogRecord.__new__(logging.LogRecord)
        fields = record.__dict__
        fields.update(SAME)
        fields["created"] = created = time.time()
        fields["msecs"] = int(created % 1 * 1000) + 0.0
        since = created - SAME["created"]
        fields["relativeCreated"] = SAME["relativeCreated"] + 1000 * since
        fields["thread"] = threading.get_ident()
        fields["threadName"] = threading.current_thread().name
        fields["process"] = os.getpid()
        fields["levelno"], fields["levelname"] = level, logging.getLevelName(level)
        fields["args"] = arguments
    else:
        record = make(logger.name, level, __file__, 0, MESSAGE, arguments, None)
        fields = record.__dict__
    fields.update(clean)
    fields[CLEAN] = (clean, MESSAGE, arguments)
    return record


def without_secrets(path: str) -> str:
    """Take what is nobody's business out of a path."""
    return privacy.scrub_text(SIGNATURE.sub(rf"\1{privacy.FILTERED}", path))


#: As `without_secrets`, remembered, since most paths come again.
clean_path = functools.lru_cache(maxsize=1024)(without_secrets)


def name_of(kind: type[BaseException]) -> str:
    """Name an exception's class with its module, if that says anything."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"
