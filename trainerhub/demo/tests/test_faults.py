"""A signed request misbehaves for real; an unsigned one does not."""

from __future__ import annotations

import datetime as dt
import time

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path

from trainerhub.demo import faults, logins, seeding

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
urlpatterns = [path("calm/", lambda request: HttpResponse("calm"))]


def get(fault: str, client: Client | None = None):
    client = client or Client(raise_request_exception=False)
    return client.get("/calm/", headers={faults.HEADER: fault})


def test_n_plus_one_reads_client_and_service_of_each_booking():
    seeding.seed(logins.make())
    with CaptureQueriesContext(connection) as queries:
        get(faults.sign("n-plus-one"))
    assert len(queries) == 1 + 2 * faults.BOOKINGS_READ


def test_slow_query_is_one_statement_that_the_database_works_on(monkeypatch):
    monkeypatch.setattr(faults, "SLOW_QUERY_ROWS", 1000)
    with CaptureQueriesContext(connection) as queries:
        get(faults.sign("slow-query"))
    assert "RECURSIVE" in queries[0]["sql"]


def test_slow_query_sleeps_in_postgresql(monkeypatch, postgres):
    import psycopg

    monkeypatch.setattr(faults, "SLOW_QUERY_SECONDS", 0.01)
    with psycopg.connect(postgres.url()) as other:
        monkeypatch.setattr(other, "vendor", "postgresql", raising=False)
        monkeypatch.setattr(faults, "connection", other)
        faults.run_slow_statement()


def test_error_burst_is_an_unhandled_exception():
    with pytest.raises(faults.DemonstrationError):
        get(faults.sign("error-burst"), Client(raise_request_exception=True))


def test_error_burst_answers_500_and_names_itself():
    response = get(faults.sign("error-burst"))
    assert (response.status_code, response[faults.HEADER]) == (500, "error-burst")


def test_cache_miss_storm_reads_keys_that_nobody_set(monkeypatch):
    read: list[str] = []
    monkeypatch.setattr(cache, "get", read.append)
    get(faults.sign("cache-miss-storm"))
    assert len(set(read)) == faults.CACHE_KEYS_READ


def test_slow_endpoint_keeps_the_client_waiting(monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    get(faults.sign("slow-endpoint"))
    assert slept == [faults.SLOW_ENDPOINT_SECONDS]


@pytest.mark.parametrize(("room", "growth"), [(3, 0), (4, 4), (5, 4), (9, 8)])
def test_memory_growth_keeps_memory_up_to_its_limit(monkeypatch, room, growth):
    monkeypatch.setattr(faults, "_kept", [])
    monkeypatch.setattr(faults, "MEMORY_LIMIT_BYTES", room * faults.MEBIBYTE)
    for _ in range(5):
        get(faults.sign("memory-growth"))
    assert faults.kept_bytes() == growth * faults.MEBIBYTE


@pytest.mark.parametrize(
    "header",
    ["", "error-burst", "error-burst:1:forged", faults.sign("unknown")],
    ids=["none", "unsigned", "forged", "unknown"],
)
def test_what_is_not_signed_by_this_server_is_ignored(header):
    response = get(header)
    assert (response.status_code, faults.HEADER in response) == (200, False)


@pytest.mark.parametrize(("age_seconds", "status"), [(299, 500), (301, 200)])
def test_a_signature_lasts_five_minutes(age_seconds, status):
    signed_at = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
    with time_machine.travel(signed_at, tick=False) as clock:
        signed = faults.sign("error-burst")
        clock.shift(age_seconds)
        assert get(signed).status_code == status


@override_settings(FAULTS_ENABLED=False)
def test_nothing_misbehaves_when_faults_are_off():
    assert get(faults.sign("error-burst")).status_code == 200
