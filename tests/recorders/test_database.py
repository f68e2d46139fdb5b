"""Every query of a request is counted and timed, on whatever connection it runs."""

from __future__ import annotations

import contextvars
import threading

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections

from spotter.recorders import database
from spotter.rescue import ignore

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


def test_outside_a_request_nothing_is_counted():
    assert ask() == [(1,)]


def test_installing_twice_counts_once(request_context):
    database.install()
    database.install()
    ask()
    assert request_context.db_queries == 1


def test_a_connection_that_reconnects_is_still_counted_once(request_context):
    other = connections.create_connection("default")
    for _ in range(2):
        with other.cursor() as cursor:
            cursor.execute("SELECT 1")
        other.close()
        other.connection = None  # an in-memory database refuses to be closed
    assert other.execute_wrappers.count(database.count_query) == 1
    assert request_context.db_queries == 2


def test_a_thread_that_is_given_the_context_is_counted(request_context):
    def work():
        with connections.create_connection("default").cursor() as cursor:
            cursor.execute("SELECT 1")

    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
    thread.start()
    thread.join()
    assert request_context.db_queries == 1


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
