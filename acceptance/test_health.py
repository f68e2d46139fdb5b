"""The real TrainerHub, two workers, on a PostgreSQL and a Redis that really fail."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from tests.servers.processes import wait_until
from tests.servers.proxy import FaultProxy
from tests.servers.redis import running_redis
from tests.servers.trainerhub import running_trainerhub
from tests.servers.web import WebServer

pytestmark = pytest.mark.acceptance
TOKEN = "acceptance-token"


@dataclass(frozen=True, slots=True)
class Watched:
    """TrainerHub and the proxies before what it depends on."""

    server: WebServer
    database: FaultProxy
    cache: FaultProxy


def get(
    server: WebServer,
    path: str,
    seconds: float = 3,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """The status and the body; no answer in time is an error."""
    with urllib3.PoolManager() as pool:
        response = pool.request(
            "GET", server.url + path, headers=headers, timeout=seconds, retries=False
        )
        return response.status, response.json()


@pytest.fixture(scope="module")
def watched(postgres, tmp_path_factory):
    name = f"trainerhub_{uuid.uuid4().hex[:8]}"
    postgres.create_database(name)
    database = FaultProxy(postgres.port)
    with running_redis() as redis:
        cache = FaultProxy(redis.port)
        env = {
            "DATABASE_URL": postgres.url(name, database.port),
            "REDIS_URL": redis.url(cache.port),
            "SENDGRID_API_KEY": "SG.acceptance",
            "TWILIO_ACCOUNT_SID": "AC1",
            "TWILIO_AUTH_TOKEN": "secret",
            "SPOTTER_TOKEN": TOKEN,
        }
        with running_trainerhub(tmp_path_factory.mktemp("home"), env) as server:
            get(server, "/health/", seconds=30)
            yield Watched(server, database, cache)
    database.stop()
    cache.stop()


@pytest.fixture(autouse=True)
def well(watched):
    """Each test begins with everything well, in both workers."""
    watched.database.misbehave(None)
    watched.cache.misbehave(None)

    def is_well() -> bool:
        return all(get(watched.server, "/ready/")[0] == 200 for _ in range(6))

    wait_until(is_well, 30, "both workers ready")


def wrong(server: WebServer) -> set[str]:
    """The names of the checks that `/ready/` says have failed."""
    _, body = get(server, "/ready/")
    checks = body["checks"].items()
    return {name for name, check in checks if check["status"] == "unhealthy"}


def test_a_well_trainerhub_says_what_the_documentation_says(watched):
    found: dict[str, Any] = {}

    def is_ready() -> bool:
        status, body = get(watched.server, "/ready/")
        found.update(body["checks"])
        return bool(status == 200)

    wait_until(is_ready, 10, "a moment in which this machine is not too busy")
    found.pop("disk")  # as full as the machine that runs this
    assert found == {
        "database": {"status": "healthy", "message": "Connected"},
        "cache": {"status": "healthy", "message": "Connected"},
        "email": {"status": "configured", "message": "SendGrid API key present"},
        "sms": {"status": "configured", "message": "Twilio credentials present"},
        "migrations": {"status": "healthy", "message": "Up to date"},
    }


@pytest.mark.parametrize("fault", ["down", "hang", "slow"])
@pytest.mark.parametrize("dependency", ["database", "cache"])
def test_ready_says_what_is_wrong_while_the_rest_stays_calm(watched, dependency, fault):
    getattr(watched, dependency).misbehave(fault, delay=2)
    server = watched.server
    wait_until(lambda: wrong(server) == {dependency}, 10, f"{dependency} named")
    assert get(server, "/live/")[0] == 200
    assert get(server, "/health/")[0] == 200


@pytest.mark.parametrize("dependency", ["database", "cache"])
def test_the_first_look_at_a_hung_dependency_takes_no_longer_than_the_budget(
    watched, dependency
):
    """Each answer comes within the time that kubelet waits; recovery is seen."""
    getattr(watched, dependency).misbehave("hang")
    wait_until(lambda: get(watched.server, "/ready/", 2)[0] == 503, 10, "a red /ready/")
    getattr(watched, dependency).misbehave(None)
    wait_until(lambda: get(watched.server, "/ready/", 2)[0] == 200, 30, "recovery")


def test_no_probe_shows_where_the_database_is(watched):
    watched.database.misbehave("down")
    wait_until(lambda: "database" in wrong(watched.server), 10, "database named")
    port = str(watched.database.port)
    assert port not in json.dumps(get(watched.server, "/ready/")[1]["checks"])


def test_who_holds_the_token_sees_why(watched):
    watched.database.misbehave("down")
    wait_until(lambda: "database" in wrong(watched.server), 10, "database named")
    held = {"Authorization": f"Bearer {TOKEN}"}
    wait_until(
        lambda: (
            "OperationalError"
            in get(watched.server, "/ready/", headers=held)[1]["checks"]["database"][
                "detail"
            ]
        ),
        *(10, "the driver's error"),
    )


def test_metrics_count_what_is_in_the_database(watched):
    _, body = get(watched.server, "/metrics/")
    assert isinstance(body.pop("timestamp"), float)
    assert body == {
        "users": {"total": 0, "trainers": 0},
        "bookings": {"total": 0, "today": 0},
        "clients": {"total": 0},
    }
