"""Every query of a request is counted and timed, on whatever connection it runs."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import tracemalloc
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections
from django.db.backends.utils import CursorWrapper

from spotter import call_sites, recording
from spotter.context import MAX_SPANS, current, enter, leave
from spotter.entries import Point
from spotter.fingerprints import MAX_SQL, Statement
from spotter.recorders import work
from spotter.recorders.pieces import Piece
from spotter.recorders.queries import capture
from spotter.recorders.queries.repeats import find_repeats, grouped
from spotter.recording import buffer
from spotter.rescue import ignore
from spotter.spans import QuerySpan
from tests.kept import recorded

pytestmark = pytest.mark.django_db(databases=["default", "other"])


def ask(alias="default", sql="SELECT 1"):
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_a_query_is_counted_and_timed(request_context):
    assert ask() == [(1,)]
    assert request_context.db_queries == 1
    assert request_context.db_seconds > 0


def test_a_query_on_any_alias_is_counted(request_context):
    ask("default")
    ask("other")
    assert request_context.db_queries == 2


def test_a_query_that_fails_is_counted_and_fails_as_before(request_context):
    with pytest.raises(DatabaseError, match="no such table"):
        ask(sql="SELECT * FROM nowhere")
    assert request_context.db_queries == 1
    assert request_context.db_seconds > 0


def test_executemany_is_one_query(request_context):
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE auth_user SET username = %s WHERE id = %s", [("a", 1), ("b", 2)]
        )
    assert request_context.db_queries == 1


def test_the_orm_is_counted(request_context):
    User.objects.create(username="ann")
    list(User.objects.all())
    assert request_context.db_queries == 2


def test_what_spotter_asks_itself_is_not_counted(request_context):
    with ignore():
        ask()
    assert request_context.db_queries == 0


def test_outside_a_request_nothing_is_counted(kept):
    assert ask() == [(1,)]
    assert recorded("db.client.operation.duration") == {}


def test_installing_twice_counts_once(request_context):
    capture.install()
    capture.install()
    ask()
    assert request_context.db_queries == 1


def test_a_connection_that_reconnects_is_still_counted_once(request_context):
    other = connections.create_connection("default")
    for _ in range(2):
        with other.cursor() as cursor:
            cursor.execute("SELECT 1")
        other.close()
        other.connection = None  # an in-memory database refuses to be closed
    assert other.execute_wrappers.count(capture.watch_query) == 1
    assert request_context.db_queries == 2


def test_a_thread_that_is_given_the_context_is_counted(request_context):
    def work():
        with connections.create_connection("default").cursor() as cursor:
            cursor.execute("SELECT 1")

    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
    thread.start()
    thread.join()
    assert request_context.db_queries == 1


def in_a_thread(work):
    """Have it done by a thread that is given nothing, on a connection of its own."""

    def run():
        asked = connections.create_connection("default")
        asked.ensure_connection()
        try:
            work(asked)
        finally:
            asked.connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def ask_and_fail(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 7")
        assert cursor.fetchall() == [(7,)]
        assert current() is None
        with pytest.raises(DatabaseError):
            cursor.execute("SELECT * FROM nowhere")


def test_a_thread_of_its_own_is_counted_as_nobodys(request_context, kept):
    in_a_thread(ask_and_fail)
    in_a_thread(ask_and_fail)
    assert request_context.db_queries == 0
    operations = recorded("db.client.operation.duration", "db.operation.name")
    assert {name: point.count for name, point in operations.items()} == {"SELECT": 4}
    callers = recorded("spotter.db.statement.callers", "http.route")
    assert {name: point.count for name, point in callers.items()} == {"(none)": 4}
    rows = recorded("spotter.db.statement.rows")[()]
    assert (rows.count, rows.sum) == (2, 2)
    assert recorded("spotter.db.errors", "error.type")["OperationalError"].sum == 2


def test_a_thread_of_spotters_own_is_not_counted(kept):
    def ask(connection):
        with ignore(), connection.cursor() as cursor:
            cursor.execute("SELECT 7")

    in_a_thread(ask)
    assert recorded("db.client.operation.duration") == {}


async def in_threads(count):
    for _ in range(count):
        await sync_to_async(ask)()


def test_a_query_of_async_code_is_counted_though_it_runs_in_a_thread(request_context):
    async_to_sync(in_threads)(3)
    assert request_context.db_queries == 3


def test_a_wrapper_of_the_application_still_works(request_context):
    seen = []

    def wrapper(execute, sql, params, many, context):
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        ask()
    assert (seen, request_context.db_queries) == (["SELECT 1"], 1)


def spans_of(context):
    return [span.sql for span in context.spans]


def test_rows_and_the_time_to_fetch_them_belong_to_the_query(request_context):
    with connection.cursor() as cursor:
        cursor.execute(MANY_ROWS, [20_000])
        executed = request_context.spans[0].seconds
        assert len(cursor.fetchall()) == 20_000
    (span,) = request_context.spans
    assert (span.rows, span.seconds > executed) == (20_000, True)
    assert request_context.db_seconds == pytest.approx(span.seconds)


MANY_ROWS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) "
    "SELECT i FROM n"
)


@pytest.mark.parametrize(
    "fetch",
    [
        lambda cursor: [cursor.fetchone(), cursor.fetchone(), cursor.fetchone()],
        lambda cursor: cursor.fetchmany(3),
        lambda cursor: list(cursor),
        lambda cursor: cursor.fetchall(),
    ],
    ids=["one", "many", "iterate", "all"],
)
def test_however_rows_are_fetched_they_are_the_same(request_context, fetch):
    with connection.cursor() as cursor:
        cursor.execute(MANY_ROWS, [3])
        assert list(fetch(cursor)) == [(1,), (2,), (3,)]
    assert request_context.spans[0].rows == 3


def test_rows_that_are_gone_through_one_by_one_are_counted_when_that_ends(
    request_context,
):
    with connection.cursor() as cursor:
        cursor.execute(MANY_ROWS, [20_000])
        executed = request_context.spans[0].seconds
        for (number,) in cursor:
            if number == 500:
                break
    (span,) = request_context.spans
    assert (span.rows, span.seconds > executed) == (500, True)
    assert request_context.db_seconds == pytest.approx(span.seconds)


@pytest.mark.parametrize(
    "fetch",
    [lambda cursor: cursor.fetchall(), lambda cursor: [cursor.fetchone()], list],
    ids=["all", "one", "iterate"],
)
def test_what_cannot_be_noted_does_not_come_between_a_query_and_its_rows(
    request_context, settings, fetch
):
    settings.SPOTTER = "no dict"
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        asked = (request_context, QuerySpan(0.0, "SELECT 1", "", ""))
        cursor.spotter = asked  # type: ignore[attr-defined]
        assert fetch(cursor) == [(1,)]


FETCHES = pytest.mark.parametrize(
    "fetch",
    [
        lambda cursor: [cursor.fetchone() for _ in range(4)],
        lambda cursor: cursor.fetchmany(4),
        lambda cursor: cursor.fetchall(),
        list,
    ],
    ids=["one", "many", "all", "iterate"],
)
#: The third row cannot be worked out, which SQLite notices when it is asked for.
FAILING = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4) "
    "SELECT CASE i WHEN 3 THEN abs(-9223372036854775807 - 1) ELSE i END FROM n"
)


@FETCHES
def test_rows_that_cannot_be_read_are_an_error_of_their_query(
    request_context, kept, fetch
):
    with connection.cursor() as cursor:
        cursor.execute(FAILING)
        executed = request_context.spans[0].seconds
        with pytest.raises(DatabaseError, match="integer overflow"):
            fetch(cursor)
    (span,) = request_context.spans
    assert (span.error, span.seconds > executed) == ("OperationalError", True)
    assert request_context.db_seconds == pytest.approx(span.seconds)
    recording.put(work.Spilled(request_context, request_context.spans))
    errors = recorded("spotter.db.errors", "db.alias", "error.type")
    assert errors[("default", "OperationalError")].sum == 1


class Unreadable:
    """A query of a driver's own kind, that cannot be written as text."""

    def as_string(self, connection):
        raise LookupError("no connection yet")


@pytest.mark.parametrize("given", [Unreadable(), object()], ids=["fails", "silent"])
def test_a_query_that_cannot_be_read_goes_to_its_driver(request_context, given):
    seen = []
    place = {"connection": connection, "cursor": connection.cursor()}
    query_of = capture.watch_query(
        lambda sql, *rest: seen.append(sql), given, None, False, place
    )
    assert (query_of, seen) == (None, [given])
    assert request_context.db_queries == 1
    assert spans_of(request_context) == [capture.UNREADABLE]


class Capitals(CursorWrapper):
    """A project's own cursor, which fetches in its own way."""

    def fetchone(self):
        return tuple(each.upper() for each in self.cursor.fetchone())


def test_a_cursor_that_fetches_in_its_own_way_still_does(request_context):
    with Capitals(connection.connection.cursor(), connection) as cursor:
        cursor.execute("SELECT 'ann'")
        assert isinstance(cursor, capture.TimedCursor)
        assert cursor.fetchone() == ("ANN",)


def test_a_query_that_fails_names_its_error(request_context):
    with pytest.raises(DatabaseError):
        ask(sql="SELECT * FROM nowhere")
    assert request_context.spans[0].error == "OperationalError"


def test_where_a_query_came_from_is_looked_up_from_its_second_time_on(request_context):
    for _ in range(2):
        ask()
    sites = [span.site for span in request_context.spans]
    assert (sites[0], sites[1][0], sites[1][2]) == (None, __file__, "ask")


def from_one_line():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 3")


def from_another_line():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 3")


def from_further_down(steps):
    return from_further_down(steps - 1) if steps else from_one_line()


def test_a_statement_that_comes_again_from_elsewhere_is_found_there(request_context):
    asked = [from_one_line, from_one_line, from_another_line, from_one_line]
    for ask_ in asked:
        ask_()
    from_further_down(30)
    from_another_line()
    named = [span.site[2] for span in request_context.spans if span.site]
    assert named == [
        *("from_one_line", "from_another_line", "from_one_line"),
        *("from_one_line", "from_another_line"),
    ]


@pytest.mark.parametrize(("limit", "known"), [(0.0, True), (3600.0, False)])
def test_where_a_slow_query_came_from_is_looked_up_at_once(
    request_context, settings, limit, known
):
    settings.SPOTTER = {"SLOW_QUERY_SECONDS": limit}
    ask()
    assert (request_context.spans[0].site is not None) is known


def test_work_without_end_holds_a_bounded_number_of_spans(request_context, kept):
    for number in range(MAX_SPANS + 10):
        ask(sql=f"SELECT {number}")
    assert len(request_context.spans) == 10
    assert recorded("db.client.operation.duration")[()].count == MAX_SPANS


@pytest.mark.parametrize(("spilled", "seen"), [(1, 1), (2, 2), (3, 2)])
def test_spans_that_work_hands_over_wait_in_bounded_number_and_the_rest_is_counted(
    kept, monkeypatch, spilled, seen
):
    monkeypatch.setattr(work, "MAX_BUNDLES", 2)
    monkeypatch.setattr(buffer._flusher, "wake", lambda: None)
    piece = Piece("spotter.command.duration", {"command.name": "a"}, "command a")
    for _ in range(MAX_SPANS * spilled):
        ask()
    piece.end()
    counted = recorded("db.client.operation.duration")
    assert counted[()].count == MAX_SPANS * seen
    dropped = recorded("spotter.dropped", "what", "reason")
    unseen = MAX_SPANS * (spilled - seen)
    assert dropped.get(("span", "over budget"), Point()).sum == unseen
    assert len(work._waiting) == 0


def test_what_work_leaves_behind_counts_nothing_twice(kept):
    piece = Piece("spotter.command.duration", {"command.name": "a"}, "command a")
    for number in range(10):
        ask(sql=f"SELECT {number}")
    piece.end()
    assert recorded("db.client.operation.duration")[()].count == 10
    token = enter(piece.context)
    for number in range(MAX_SPANS):
        ask(sql=f"SELECT {number}")
    leave(token)
    # The last ten of a thousand more are still held.
    assert recorded("db.client.operation.duration")[()].count == MAX_SPANS
    assert len(piece.context.spans) == 10


def test_what_finds_little_room_is_kept_without_its_queries(kept, monkeypatch):
    monkeypatch.setattr(buffer, "MAX_DETAILED", 1)
    monkeypatch.setattr(buffer._flusher, "wake", lambda: None)
    for _ in range(3):
        piece = Piece("spotter.command.duration", {"command.name": "a"}, "command a")
        ask()
        piece.end()
    assert recorded("spotter.command.duration")[()].count == 3
    assert recorded("db.client.operation.duration")[()].count == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1,), (2,)),
        ([1], [2]),
        ({"id": 1}, {"id": 2}),
        ({"ids": [1]}, {"ids": [2]}),
        (([1, 2],), ([1, 3],)),
        (([1] * 500,), ([1] * 501,)),
        (({"a": 1},), ({"a": 2},)),
        (None, (1,)),
    ],
)
def test_parameters_are_told_apart(one, other):
    assert capture.hash_of(one) == capture.hash_of(one)
    assert capture.hash_of(one) != capture.hash_of(other)


class Counting:
    """A value whose text is made each time that somebody asks."""

    texts = 0
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self):
        Counting.texts += 1
        return "a value"


def test_a_column_of_many_rows_is_not_written_out_to_be_told_apart():
    capture.hash_of(([Counting()] * 10_000,))
    assert 0 < Counting.texts <= 100


def test_what_cannot_be_noted_costs_the_query_nothing(
    request_context, monkeypatch, caplog
):
    monkeypatch.setattr(capture, "timed_class", None)
    assert ask() == [(1,)]
    assert "could not note a query" in caplog.text


def test_nothing_of_a_querys_values_is_kept(request_context, kept):
    for number in range(6):
        ask(sql=f"SELECT 'canary-{number}', {4111_1111_1111_1111 + number}")
    recording.put(work.Spilled(request_context, request_context.spans))
    recording.flush()
    told = [sample.body for sample in kept.samples("statement")]
    assert told
    assert "canary" not in str(told)
    assert "4111" not in str(told)


def test_a_request_that_is_not_looked_at_in_detail_still_counts(request_context):
    request_context.detailed = False
    assert ask() == [(1,)]
    assert (request_context.db_queries, request_context.spans) == (1, [])
    assert request_context.unseen_spans == 1


async def asks_repeatedly():
    for number in range(3):
        await User.objects.filter(pk=number).aexists()


def test_an_asynchronous_views_queries_know_the_line_that_awaits_them(request_context):
    async def view():
        request_context.task = asyncio.current_task()
        await asks_repeatedly()

    asyncio.run(view())
    site = request_context.spans[-1].site
    assert (site[0], site[2]) == (__file__, "asks_repeatedly")


async def asks_with_values_in_its_text():
    for number in range(5):
        await sync_to_async(ask)(sql=f"SELECT {number}")
    for number in range(6):
        await sync_to_async(ask)(sql=f"SELECT -{number}")


def test_an_asynchronous_views_loops_are_told_apart_whatever_is_in_their_text(
    request_context, monkeypatch
):
    # As a package's would be: what is the project's is the line that awaits it.
    monkeypatch.setattr(ask, "__code__", ask.__code__.replace(co_filename="<package>"))

    async def view():
        request_context.task = asyncio.current_task()
        await asks_with_values_in_its_text()

    call_sites.is_project.cache_clear()
    asyncio.run(view())
    repeats = find_repeats(grouped(request_context.spans).values())
    name = "asks_with_values_in_its_text"
    told = [(each.site.rpartition(" ")[2], each.count) for each in repeats]
    assert sorted(told) == [(name, 5), (name, 6)]


def asked_of_nobody(sql):
    """A query as the connection's, without the driver, which has a cache of its own."""
    place = {"connection": connection, "cursor": connection.cursor()}
    capture.watch_query(lambda *given: None, sql, None, False, place)


def insert(number, length):
    return f"INSERT INTO t (x) VALUES ('{number}{'x' * length}')"


def test_of_long_texts_a_command_keeps_little(request_context, kept, monkeypatch):
    monkeypatch.setattr(buffer._flusher, "wake", lambda: None)
    tracemalloc.start()
    for number in range(2000):
        asked_of_nobody(insert(number, 100_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize("more", [0, 1, 1000])
def test_a_long_text_is_kept_in_part_and_is_the_same_statement(request_context, more):
    sql = insert(1, 0)
    sql = insert(1, MAX_SQL - len(sql) + more)
    asked_of_nobody(sql)
    (span,) = request_context.spans
    assert (span.sql == sql) is (more == 0)
    kept, whole = Statement(span.sql), Statement(sql)
    assert [getattr(kept, name) for name in Statement.__slots__] == [
        getattr(whole, name) for name in Statement.__slots__
    ]


@pytest.mark.parametrize(
    ("numbers", "found"),
    [([1] * 6, "duplicate_read"), (range(6), "n_plus_one")],
    ids=["the same", "others"],
)
def test_long_texts_that_differ_where_they_are_cut_are_told_apart(
    request_context, numbers, found
):
    for number in numbers:
        filling = "x, " * MAX_SQL
        asked_of_nobody(f"SELECT {filling} {number}, {filling} x FROM t")
    (repeat,) = find_repeats(grouped(request_context.spans).values())
    assert repeat.kind == found


async def middleware(handler, view):
    await handler(view)


#: As Django's own: in no file of the project's.
package: dict[str, Any] = {}
exec(  # noqa: S102 (a text of ours)
    compile("async def calls_view(view):\n    await view()", "<package>", "exec"),
    package,
)


async def a_projects_view():
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("view", "function"),
    [(a_projects_view, "a_projects_view"), (lambda: asyncio.sleep(60), None)],
)
def test_asynchronous_middleware_is_not_the_line_of_a_packages_view(
    monkeypatch, view, function
):
    calls_view = package["calls_view"]
    monkeypatch.setattr(call_sites, "ASYNC_CALLER", calls_view.__code__)

    async def look():
        async with asyncio.TaskGroup() as group:
            task = group.create_task(middleware(calls_view, view))
            await asyncio.sleep(0)
            found = call_sites.awaiting_site(task)
            task.cancel()
        return found

    found = asyncio.run(look())
    assert (found and found[2]) == function
