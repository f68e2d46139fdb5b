"""What PostgreSQL and its driver do otherwise than SQLite."""

from __future__ import annotations

import contextlib

import pytest
from django.db import DataError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg import sql

from spotter.fingerprints import statement_of
from spotter.recorders.queries.repeats import find_repeats, grouped

pytestmark = pytest.mark.django_db


@pytest.fixture
def on_postgresql(postgres, request_context):
    """Django's connection to a real server."""
    place = {"NAME": "postgres", "USER": "postgres", "HOST": "127.0.0.1"}
    settings = {**connection.settings_dict, **place, "PORT": postgres.port}
    made = DatabaseWrapper(settings, alias="postgresql")
    with contextlib.closing(made):
        made.ensure_connection()
        request_context.spans.clear()
        yield made


@pytest.mark.parametrize(
    "fetch",
    [
        lambda cursor: [cursor.fetchone() for _ in range(4)],
        lambda cursor: cursor.fetchmany(4),
        lambda cursor: cursor.fetchall(),
        list,
    ],
    ids=["one", "many", "all", "iterate"],
)
def test_a_servers_cursor_that_fails_at_a_later_row_is_an_error(
    on_postgresql, request_context, fetch
):
    # In a transaction: outside any, the server works all rows out before the first.
    on_postgresql.set_autocommit(False)
    with on_postgresql.chunked_cursor() as cursor:
        cursor.execute("SELECT 10 / (3 - i) FROM generate_series(1, 4) AS i")
        executed = request_context.spans[-1].seconds
        with pytest.raises(DataError, match="division by zero"):
            fetch(cursor)
    span = request_context.spans[-1]
    assert (span.error, span.seconds > executed) == ("DataError", True)


def as_asked(name):
    """A query that psycopg puts together, with a value that has a quote in it."""
    return sql.SQL("SELECT {} AS {}, 4111, %s").format(
        sql.Literal(name), sql.Identifier("a name")
    )


def test_what_the_driver_puts_together_is_read_as_the_server_gets_it(
    on_postgresql, request_context
):
    with on_postgresql.cursor() as cursor:
        for name in ("o'canary", 'the "canary"'):
            cursor.execute(as_asked(name), [1])
            assert cursor.fetchall() == [(name, 4111, 1)]
        cursor.execute(sql.SQL("SELECT 1"))
        cursor.execute(b"SELECT 1")
    texts = [statement_of(span.sql).text for span in request_context.spans]
    folded = 'SELECT %s AS "a name", %s, %s'
    assert texts == [folded, folded, "SELECT %s", "SELECT %s"]


def test_loops_with_values_or_lists_in_their_text_are_two(
    on_postgresql, request_context
):
    with on_postgresql.cursor() as cursor:
        request_context.repeats.clear()
        for number in range(5):
            cursor.execute(f"SELECT 1 WHERE 7 = {number}")
        for number in range(1, 8):
            marks = ", ".join(["%s"] * number)
            cursor.execute(f"SELECT 1 WHERE 7 IN ({marks})", list(range(number)))
    found = find_repeats(grouped(request_context.spans).values())
    assert sorted((each.kind, each.count) for each in found) == [
        ("n_plus_one", 5),
        ("n_plus_one", 7),
    ]
    name = "test_loops_with_values_or_lists_in_their_text_are_two"
    assert [each.site.rpartition(" ")[2] for each in found] == [name, name]
