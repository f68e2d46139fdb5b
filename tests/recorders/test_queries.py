"""In development a query is logged with its time and the line that asked for it."""

from __future__ import annotations

import logging

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from spotter.call_sites import call_site
from spotter.logs.queries import MAX_SQL, QueryFilter, cut

pytestmark = pytest.mark.django_db


class KeepingHandler(logging.Handler):
    """Keeps the records that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def logged():
    """Log what the block asks the database, and give the records."""

    def log(ask, **options):
        handler = KeepingHandler()
        handler.addFilter(QueryFilter(**options))
        logger = logging.getLogger("django.db.backends")
        logger.addHandler(handler)
        logger.setLevel("DEBUG")
        with CaptureQueriesContext(connection):  # as DEBUG does
            ask()
        logger.setLevel("NOTSET")
        logger.removeHandler(handler)
        return handler.records

    return log


def ask():
    return list(User.objects.filter(email="ann@example.com"))


def test_a_query_is_logged_with_its_time(logged):
    (record,) = logged(ask)
    assert 0 < record.duration_ms < 1000
    assert f"({record.duration_ms:.3f} ms) SELECT" in record.getMessage()


def test_a_query_is_logged_with_the_line_of_the_project(logged):
    (record,) = logged(ask)
    line = ask.__code__.co_firstlineno + 1
    assert record.call_site.endswith(f"tests/recorders/test_queries.py:{line} ask")
    assert record.call_site in record.getMessage()


def test_the_values_of_a_query_are_left_out(logged):
    (record,) = logged(ask)
    assert "ann@example.com" not in str(vars(record)) + record.getMessage()
    assert '"email" = %s' in record.sql


def test_the_values_are_there_when_asked_for(logged):
    (record,) = logged(ask, with_params=True)
    assert "ann@example.com" in record.params


def test_executemany_is_logged_without_its_values(logged):
    def change():
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE auth_user SET email = %s", [("ann@example.com",)]
            )

    (record,) = logged(change)
    assert record.sql == "UPDATE auth_user SET email = %s"
    assert "ann@example.com" not in str(vars(record))


def test_two_handlers_may_filter_one_record(logged):
    (record,) = logged(ask)
    before = dict(vars(record))
    assert QueryFilter().filter(record)
    assert vars(record) == before


def test_records_of_other_loggers_pass_unchanged():
    record = logging.makeLogRecord({"name": "trainers", "duration": 1.5, "msg": "x"})
    before = dict(vars(record))
    assert QueryFilter().filter(record)
    assert vars(record) == before


@pytest.mark.parametrize(("length", "kept"), [(MAX_SQL, True), (MAX_SQL + 1, False)])
def test_long_sql_is_cut_and_says_so(length, kept):
    assert (cut("x" * length) == "x" * length) is kept
    assert kept or cut("x" * length).endswith("(1 more characters)")


def test_without_a_line_of_the_project_there_is_a_dash():
    assert call_site(None) == "-"
