"""The database check against a real PostgreSQL that stops, hangs and comes back."""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

import psycopg
import pytest
from django.db import connections

from spotter.health import HealthCheck
from spotter.health.database import DatabaseCheck, every_database, own_connection
from spotter.health.runner import Runner
from tests.servers.processes import wait_until


@contextlib.contextmanager
def alias_for(port, database, **options):
    """An alias in DATABASES for as long as the block runs."""
    alias = f"real_{uuid.uuid4().hex[:8]}"
    configured = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "NAME": database,
        "USER": "postgres",
        **options,
    }
    connections.settings[alias] = connections.configure_settings(
        {"default": configured}
    )["default"]
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections.settings[alias]


def test_a_projects_pool_is_left_to_the_project():
    pool = {"OPTIONS": {"pool": {"min_size": 2}}}
    with alias_for(5432, "shop", **pool) as alias:
        connection: Any = own_connection(alias)
        assert connection.pool is None
        assert connection.settings_dict["OPTIONS"]["connect_timeout"] == 3
        assert connections[alias].settings_dict["OPTIONS"] == pool["OPTIONS"]


@pytest.fixture
def real(postgres, proxy_to, django_db_blocker):
    proxy = proxy_to(postgres.port)
    name = f"health_{uuid.uuid4().hex[:8]}"
    postgres.create_database(name)
    with django_db_blocker.unblock(), alias_for(proxy.port, name) as alias:
        runner = Runner([DatabaseCheck(alias, name="database", ttl_seconds=0.01)])
        yield proxy, runner, name


def found(runner):
    [outcome] = runner.outcomes()
    return outcome.report.message


def test_a_database_that_answers_is_healthy(real):
    _, runner, _ = real
    wait_until(lambda: found(runner) == "Connected", 10, "connection")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("down", "Not connected"),
        ("reset", "Not connected"),
        ("hang", "No answer within 0.8 s"),
    ],
)
def test_a_fault_is_told_within_the_budget_and_its_end_is_seen(real, fault, message):
    proxy, runner, _ = real
    proxy.misbehave(fault)
    assert found(runner) == message
    proxy.misbehave(None)
    wait_until(lambda: found(runner) == "Connected", 10, "recovery")


def test_a_slow_database_is_told(real):
    proxy, runner, _ = real
    proxy.misbehave("slow", delay=2)
    assert found(runner) == "No answer within 0.8 s"


def no_connection_is_left(postgres, name):
    """Wait until PostgreSQL has seen the last one close."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(postgres.url()) as connection:
        wait_until(
            lambda: connection.execute(count, [name]).fetchone() == (0,),
            *(60, "closing of all connections"),
        )


def test_probes_pile_up_no_connections(real, postgres):
    _, runner, name = real
    for _ in range(50):
        found(runner)
    no_connection_is_left(postgres, name)


def test_a_projects_own_check_leaves_no_connection_behind(real, postgres):
    """Even with CONN_MAX_AGE: the thread that would use it again is gone."""
    proxy, _, name = real

    class OrmCheck(HealthCheck):
        name = "orm"
        ttl_seconds = 0.01

        def run(self):
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
            return "Asked"

    with alias_for(proxy.port, name, CONN_MAX_AGE=600) as alias:
        runner = Runner([OrmCheck()])
        assert {found(runner) for _ in range(10)} == {"Asked"}
        no_connection_is_left(postgres, name)


def test_a_password_in_the_settings_is_in_no_public_message(
    postgres, django_db_blocker
):
    with (
        django_db_blocker.unblock(),
        alias_for(1, "shop-canary", PASSWORD="hunter-canary") as alias,
    ):
        assert "canary" not in found(Runner([DatabaseCheck(alias)]))


def test_every_alias_has_a_check_and_the_default_one_the_short_name():
    assert [check.name for check in every_database()] == ["database", "database:other"]


def test_the_database_is_critical():
    assert DatabaseCheck().critical
