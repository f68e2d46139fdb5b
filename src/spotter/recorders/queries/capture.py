"""Capture the queries of the work in hand, on every connection and thread."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from time import perf_counter
from types import CodeType, FrameType
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.utils import CursorWrapper

from spotter import conf, recording
from spotter.call_sites import (
    ASYNC_CALLER,
    CALLER,
    MAX_FRAMES,
    awaiting_site,
    is_project,
    project_frame,
)
from spotter.context import Context, current, enter, leave
from spotter.fingerprints import MAX_SQL, likeness, shortened
from spotter.recorders.queries.attribution import Told, tell
from spotter.recorders.queries.strays import STRAY, Stray
from spotter.rescue import is_ignoring, rescue
from spotter.spans import QuerySpan, Site

#: From which repetition on it is found out what the ORM was doing.
TELL_AT = 5
#: Statements whose repetitions one piece of work counts.
MAX_REPEATS = 500
#: Statements of which it is remembered what the ORM was doing.
MAX_TOLD = 2000
#: Values of a list by which it is told from another.
MAX_ITEMS = 20
#: For a query in a form that cannot be written as text.
UNREADABLE = "a query that cannot be read"
#: What Django's cursors have no method for, but pass on to the driver's.
FETCHES = ("fetchone", "fetchmany", "fetchall")


def watch_query(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
) -> Any:
    """Run one query, and add it to the work in hand whether or not it fails."""
    work = current()
    if work is None:
        return watch_stray(execute, sql, params, many, context)
    if is_ignoring():
        return execute(sql, params, many, context)
    connection = context["connection"]
    text = whole = sql if type(sql) is str else text_of(sql, connection)
    if len(text) > MAX_SQL:
        text = shortened(text)
    span = QuerySpan(perf_counter(), text, connection.alias, connection.vendor)
    try:
        return execute(sql, params, many, context)
    except BaseException as error:
        span.error = type(error).__name__
        raise
    finally:
        # The sums are apart from the calls: an interpreter that switches threads
        # between reading and writing a total would lose another thread's query.
        seconds = span.seconds = perf_counter() - span.started
        work.db_queries += 1
        work.db_seconds += seconds
        try:
            note(work, span, whole, params, context["cursor"])
        except Exception:
            with rescue("note a query"):
                raise


def watch_stray(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
) -> Any:
    """
    Run a query that belongs to no work, and add it to what threads ask by themselves.

    A thread's alone: what the main one asks outside any work is a shell's, a test's, or
    a server's that is starting.
    """
    if is_ignoring() or threading.current_thread() is threading.main_thread():
        return execute(sql, params, many, context)
    work = Context(route=STRAY)
    token = enter(work)
    try:
        return watch_query(execute, sql, params, many, context)
    finally:
        leave(token)
        recording.put(Stray(work))


def text_of(sql: Any, connection: BaseDatabaseWrapper) -> str:
    """
    What is no plain text as the server gets it, such as psycopg's `sql.SQL`.

    Never what Python writes for such an object: that has its values in a form that
    nobody takes for values. Whatever says nothing of itself goes by one name.
    """
    text = UNREADABLE
    with rescue("read a query"):
        if isinstance(sql, str):
            text = str(sql)
        elif isinstance(sql, bytes):
            text = sql.decode("utf-8", "replace")
        elif hasattr(sql, "as_string"):
            text = sql.as_string(connection.connection)
    return text


def note(work: Context, span: QuerySpan, whole: str, params: Any, cursor: Any) -> None:
    """Keep the span; look at the stack only where that earns its price."""
    text = span.sql
    if not work.detailed:
        work.unseen_spans += 1
        return
    repeats = work.repeats
    # Not its text: where values are written into it, each time has one of its own.
    like = likeness(text, span.vendor)
    times = repeats[like] = repeats.get(like, 0) + 1
    if times > 1:
        span.parameters = hash_of(params)
        if text is not whole:
            # In what was left out may be what tells it from another.
            span.parameters = hash((whole, span.parameters))
        site = span.site = site_again(work, like)
        if times >= TELL_AT and (like, site) not in repeats:
            # Once for each line: another one may be after another relation.
            repeats[like, site] = times
            span.told = told_before(work.route, like, site)
    elif span.seconds >= conf.get_settings().slow_query_seconds:
        span.site = site_of(work, sys._getframe(2))
    elif len(repeats) > MAX_REPEATS:
        repeats.clear()
    work.put_span(span)
    # Reading the rows is part of what the query costs: all of it, with SQLite.
    cursor.__class__ = timed_class(cursor.__class__)
    cursor.spotter = (work, span)


#: By the route, what the texts have in common, and the line.
_told: dict[tuple[str, int, Site | None], Told] = {}


def told_before(route: str, like: int, site: Site | None) -> Told:
    """
    What the ORM was doing, which the same line does with the same statement.

    On the same route, since views that share a line may ask by it for other relations.
    """
    place = (route, like, site)
    told = _told.get(place)
    if told is None:
        if len(_told) >= MAX_TOLD:
            _told.clear()
        told = _told[place] = tell(sys._getframe(3))
    return told


def hash_of(params: Any) -> int:
    """Tell parameters from others without keeping them."""
    if type(params) is not tuple:
        params = tuple(params.values() if isinstance(params, dict) else params or ())
    try:
        return hash(params)
    except TypeError:
        return hash(tuple(map(hash_of_one, params)))


def hash_of_one(value: Any) -> int:
    """Of a list, which may be a column of ten thousand rows, the beginning will do."""
    try:
        return hash(value)
    except TypeError:
        if isinstance(value, list | tuple):
            return hash((len(value), repr(value[:MAX_ITEMS])))
        return hash(repr(value))


#: By what texts have in common where the last one came from: how many calls up, the code
#: there, the instruction of it, and the line that this is.
_places: dict[int, tuple[int, CodeType, int, Site]] = {}


def site_again(work: Context, like: int) -> Site | None:
    """
    As `site_of`, for a statement that comes again, mostly from where it came from before.

    Going there straight makes an object of one call of the stack, going there step by
    step of each between the project's line and the driver. Where another way of the same
    length leads to the same function, what may be named is a line that called the line.
    """
    frame: FrameType | None
    known = _places.get(like)
    if known is not None:
        depth, code, instruction, site = known
        try:
            frame = sys._getframe(depth)
        except ValueError:
            frame = None  # There is nobody so far up.
        if frame is not None and frame.f_code is code:
            if frame.f_lasti != instruction:
                site = remembered(like, depth, frame)
            return site
    frame = sys._getframe()
    for depth in range(MAX_FRAMES):
        if frame is None:
            break
        code = frame.f_code
        if is_project(code.co_filename):
            return remembered(like, depth, frame)
        if code is CALLER or code is ASYNC_CALLER:
            break
        frame = frame.f_back
    return site_of(work, None)


def remembered(like: int, depth: int, frame: FrameType) -> Site:
    """Remember where a statement came from; which line that is takes long to find out."""
    code = frame.f_code
    site = (code.co_filename, frame.f_lineno, code.co_name)
    if len(_places) >= MAX_TOLD:
        _places.clear()
    _places[like] = depth, code, frame.f_lasti, site
    return site


def site_of(work: Context, frame: Any) -> Site | None:
    """The line of the project's own code that asked, or that awaits the answer."""
    found = project_frame(frame)
    if found is not None:
        return (found.f_code.co_filename, found.f_lineno, found.f_code.co_name)
    # An asynchronous view's queries run in a thread that has no line of the project's.
    return awaiting_site(work.task) if work.task is not None else None


class TimedCursor:
    """What is put before a cursor's class: fetching is added to its query."""

    spotter: tuple[Context, QuerySpan]

    def fetchone(self, *args: Any, **kwargs: Any) -> Any:
        started = perf_counter()
        try:
            row = self.__getattr__("fetchone")(*args, **kwargs)  # type: ignore[attr-defined]
        except BaseException as error:
            self._failed(started, error)
            raise
        add_fetched(self.spotter, perf_counter() - started, row is not None)
        return row

    def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
        started = perf_counter()
        try:
            rows = self.__getattr__("fetchmany")(*args, **kwargs)  # type: ignore[attr-defined]
        except BaseException as error:
            self._failed(started, error)
            raise
        add_fetched(self.spotter, perf_counter() - started, len(rows))
        return rows

    def fetchall(self, *args: Any, **kwargs: Any) -> Any:
        started = perf_counter()
        try:
            rows = self.__getattr__("fetchall")(*args, **kwargs)  # type: ignore[attr-defined]
        except BaseException as error:
            self._failed(started, error)
            raise
        add_fetched(self.spotter, perf_counter() - started, len(rows))
        return rows

    def __iter__(self) -> Iterator[Any]:
        rows: Iterator[Any] = super().__iter__()  # type: ignore[misc]
        # In sum, since a loop over a million rows would feel anything more for each.
        seconds, number, asked = 0.0, 0, self.spotter
        try:
            while True:
                started = perf_counter()
                try:
                    row = next(rows)
                except StopIteration:
                    return
                except BaseException as error:
                    asked[1].error = type(error).__name__
                    raise
                finally:
                    seconds += perf_counter() - started
                number += 1
                yield row
        finally:
            add_fetched(asked, seconds, number)

    def _failed(self, started: float, error: BaseException) -> None:
        """A server may find out as late as here that it cannot answer."""
        self.spotter[1].error = type(error).__name__
        add_fetched(self.spotter, perf_counter() - started, 0)


def add_fetched(asked: tuple[Context, QuerySpan], seconds: float, rows: int) -> None:
    """Add to a query what it took to read its rows; called by the cursor's methods."""
    work, span = asked
    span.seconds += seconds
    span.rows = max(span.rows, 0) + rows
    work.db_seconds += seconds
    if span.site is not None:
        return
    try:
        if span.seconds >= conf.get_settings().slow_query_seconds:
            span.site = site_of(work, sys._getframe(2))
    except Exception:
        with rescue("note a slow query"):
            raise


@functools.cache
def timed_class(kind: type[CursorWrapper]) -> type[CursorWrapper]:
    """Give a subclass that times fetching; one for each class of cursors."""
    if issubclass(kind, TimedCursor):
        return kind
    names = {name: getattr(kind, name) for name in ("__module__", "__qualname__")}
    # Where a project's own class fetches in another way, that is the way.
    names |= {name: getattr(kind, name) for name in FETCHES if hasattr(kind, name)}
    made: type[CursorWrapper] = type(kind.__name__, (TimedCursor, kind), names)
    return made


def watch_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Wrap a connection's queries; it keeps the wrapper when it reconnects."""
    if watch_query not in connection.execute_wrappers:
        # First is outermost: it sees what the application asked for.
        connection.execute_wrappers.insert(0, watch_query)


def install() -> None:
    """Watch every connection that is open and every one that will be, once."""
    connection_created.connect(watch_connection, dispatch_uid="spotter")
    for connection in connections.all(initialized_only=True):
        watch_connection(connection)
