"""Say how long each query took and which line of the project asked for it."""

from __future__ import annotations

import logging
import os
import sys
from types import FrameType
from typing import Any

from spotter.call_sites import MAX_FRAMES, call_site

#: SQL beyond this many characters is cut; an IN list may have thousands of values.
MAX_SQL = 2000


class QueryFilter(logging.Filter):
    """
    Rewrite the records of `django.db.backends` for people: time, SQL and call site.

    Put it on the handlers of a development set-up. Django writes these records only
    when `DEBUG` is true or the connection has `force_debug_cursor`. Records of other
    loggers pass unchanged, and no record is held back.

    Args:
        with_params: keep the parameters of the queries. They are customers' data, so
            they are taken out unless this is set.
    """

    def __init__(self, name: str = "", *, with_params: bool = False) -> None:
        super().__init__(name)
        self.with_params = with_params

    def filter(self, record: logging.LogRecord) -> bool:
        """Add `duration_ms` and `call_site`; cut the SQL and drop its parameters."""
        fields = record.__dict__
        is_query = record.name == "django.db.backends" and "duration" in fields
        if is_query and "call_site" not in fields:
            self.rewrite(record, fields)
        return True

    def rewrite(self, record: logging.LogRecord, fields: dict[str, Any]) -> None:
        fields["duration_ms"] = round(fields.pop("duration") * 1000, 3)
        fields["call_site"] = call_site(sys._getframe())
        fields["sql"] = self.sql_of(fields)
        params = fields.pop("params", None)
        record.msg = "(%.3f ms) %s; alias=%s; at %s"
        alias = fields.get("alias", "default")
        record.args = (fields["duration_ms"], fields["sql"], alias, fields["call_site"])
        if self.with_params:
            fields["params"] = cut(repr(params))

    def sql_of(self, fields: dict[str, Any]) -> str:
        """The SQL as it was written; Django's own has the parameters put in."""
        if self.with_params:
            return cut(str(fields.get("sql")))
        return cut(
            sql_as_written(sys._getframe()) or "SQL not known without its values"
        )


def sql_as_written(frame: FrameType | None) -> str | None:
    """
    Find the SQL with its placeholders in Django's own call of `execute`.

    By the time it is logged, the values have been put in by the database's driver.
    """
    for _ in range(MAX_FRAMES):
        if frame is None:
            return None
        code = frame.f_code
        if code.co_name in ("execute", "executemany") and is_django(code.co_filename):
            return str(frame.f_locals.get("sql"))
        if code.co_name == "debug_transaction":
            return str(frame.f_locals.get("sql"))
        frame = frame.f_back
    return None


def is_django(path: str) -> bool:
    return path.endswith(os.path.join("django", "db", "backends", "utils.py"))


def cut(text: str) -> str:
    """Bound a text, and say how much was cut."""
    if len(text) <= MAX_SQL:
        return text
    return f"{text[:MAX_SQL]}… ({len(text) - MAX_SQL} more characters)"
