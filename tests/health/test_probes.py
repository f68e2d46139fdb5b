"""What the three probes answer, in which form, to whom."""

from __future__ import annotations

import logging

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client, override_settings
from django.urls import reverse

from spotter.health import Degraded, HealthCheck, Report, Status, Unhealthy, is_probe

CANARY = "canary-5e1f"


class Fixed(HealthCheck):
    """A check that finds what it is told to find."""

    def __init__(self, finding, **options):
        super().__init__(**options)
        self.finding = finding

    def run(self):
        if isinstance(self.finding, Exception):
            raise self.finding
        return self.finding


def spotter(*checks, **settings):
    return override_settings(SPOTTER={"HEALTH_CHECKS": list(checks), **settings})


def good(name="database"):
    return Fixed("Connected", name=name, critical=True)


def bad(error=None, **options):
    error = error or RuntimeError(f"could not connect to {CANARY}")
    return Fixed(error, **{"name": "shop", "critical": True, **options})


def test_health_has_the_documented_body(client, settings):
    settings.SPOTTER = {"SERVICE_NAME": "TrainerHub API"}
    body = client.get("/health/").json()
    assert isinstance(body.pop("timestamp"), float)
    assert body == {"status": "healthy", "service": "TrainerHub API"}


def test_live_has_the_documented_body(client):
    body = client.get("/live/").json()
    assert isinstance(body.pop("timestamp"), float)
    assert body == {"status": "alive"}


@spotter(good(), Fixed(Report(Status.CONFIGURED, "Key present"), name="email"))
def test_ready_has_the_documented_body(client):
    body = client.get("/ready/").json()
    assert isinstance(body.pop("timestamp"), float)
    assert body == {
        "status": "ready",
        "checks": {
            "database": {"status": "healthy", "message": "Connected"},
            "email": {"status": "configured", "message": "Key present"},
        },
    }


@pytest.mark.parametrize(
    ("check", "status", "word"),
    [
        (bad(critical=True), 503, "not_ready"),
        (bad(critical=False), 200, "degraded"),
        (bad(Degraded("Slow"), critical=True), 200, "degraded"),
        (good(), 200, "ready"),
    ],
)
def test_only_a_critical_failure_takes_the_service_out(client, check, status, word):
    with spotter(check):
        response = client.get("/ready/")
    assert (response.status_code, response.json()["status"]) == (status, word)


@spotter(bad(), TOKEN="sesame")
@pytest.mark.parametrize("accept", ["application/json", "application/health+json"])
def test_the_public_sees_no_text_of_a_driver(client, accept):
    response = client.get("/ready/?token=sesame", headers={"Accept": accept})
    assert CANARY not in response.text
    assert "RuntimeError" not in response.text


@spotter(bad(Unhealthy("Closed", detail=CANARY)), TOKEN="sesame")
def test_details_are_for_who_holds_the_token(client):
    def detail(token):
        given = {"Authorization": f"Bearer {token}"}
        return client.get("/ready/", headers=given).json()["checks"]["shop"]

    assert detail("sesame")["detail"] == CANARY
    assert detail("wrong") == {"status": "unhealthy", "message": "Closed"}


@pytest.mark.parametrize("path", ["/health/", "/live/"])
def test_health_and_live_ask_no_database(client, path):
    """pytest-django refuses every query of a test that was given no database."""
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/health/", "/ready/", "/live/"])
@pytest.mark.parametrize("slash", ["/", ""])
@spotter(good())
@override_settings(SECURE_SSL_REDIRECT=True, ALLOWED_HOSTS=["example.com"])
def test_a_probe_is_never_redirected_or_refused(client, path, slash):
    path = path.rstrip("/") + slash
    response = client.get(path, headers={"Host": "10.0.0.7:8000"})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies


@pytest.mark.parametrize("path", ["/health/", "/ready/", "/live/", "/metrics/"])
@spotter(good(), METRICS_ACCESS="public")
def test_head_has_the_headers_and_no_body(client, path):
    response = client.head(path)
    assert (response.status_code, response.content) == (200, b"")
    assert int(response["Content-Length"]) > 10


@pytest.mark.parametrize("path", ["/health/", "/ready/", "/live/", "/metrics/"])
@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_other_methods_are_refused(path, method):
    client = Client(enforce_csrf_checks=True)
    response = getattr(client, method)(path)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@spotter(good(), good("database:other"), bad(critical=False))
def test_health_json_follows_the_draft(client):
    response = client.get("/ready/", headers={"Accept": "application/health+json"})
    body = response.json()
    assert response["Content-Type"] == "application/health+json"
    assert body["status"] == "warn"
    ids = [c["componentId"] for c in body["checks"]["database:availability"]]
    assert ids == ["database", "other"]
    assert body["checks"]["shop:availability"][0]["output"] == "Check failed"


@pytest.mark.parametrize("path", ["/health/", "/live/"])
def test_health_json_of_the_simple_probes_passes(client, path):
    response = client.get(path, headers={"Accept": "application/health+json"})
    assert response.json()["status"] == "pass"


@pytest.mark.parametrize("accept", ["garbage", ";;;", "a/b;q=nan", ",", "*/*;q=x", "é"])
def test_no_accept_header_breaks_a_probe(client, accept):
    response = client.get("/health/", headers={"Accept": accept})
    assert response["Content-Type"] == "application/json"


@spotter(good())
@override_settings(MIDDLEWARE=[])
@pytest.mark.parametrize("name", ["health", "ready", "live"])
def test_the_urls_answer_without_the_middleware(client, name):
    assert client.get(reverse(f"spotter:{name}")).status_code == 200


@pytest.mark.parametrize("path", ["/health/", "/ready/", "/live/"])
def test_probes_answer_under_asgi(path):
    with spotter(good()):
        response = async_to_sync(AsyncClient().get)(path)
    assert response.status_code == 200


@spotter(good(), PROBE_PREFIX="/ops")
def test_the_prefix_moves_the_probes(client):
    assert client.get("/ops/ready/").json()["status"] == "ready"
    assert (is_probe("/ops/ready"), is_probe("/ready/")) == (True, False)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        *[(p, True) for p in ("/health/", "/health", "/ready/", "/live/", "/metrics")],
        *[
            (p, False)
            for p in ("/", "", "/healthy/", "/api/health/", "health", "//health")
        ],
    ],
)
def test_is_probe_knows_the_paths(path, expected):
    assert is_probe(path) is expected


def test_a_change_of_state_is_logged_once(client, caplog):
    check = bad(ttl_seconds=0.0)
    with spotter(check), caplog.at_level(logging.INFO, "spotter.health"):
        for _ in range(3):
            client.get("/ready/")
        check.finding = "Open"
        for _ in range(3):
            client.get("/ready/")
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING", "INFO"]
