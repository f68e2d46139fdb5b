"""`/metrics/`: the numbers, the forms, the doors."""

from __future__ import annotations

import subprocess
import threading

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.test import AsyncClient, RequestFactory, override_settings
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from spotter import metrics
from spotter.exceptions import ConfigurationError
from spotter.exposition import access, numbers, view
from tests.servers.processes import program

PUBLIC = {"METRICS_ACCESS": "public", "SERVICE_NAME": "TrainerHub API"}


@pytest.fixture(autouse=True)
def public():
    with override_settings(SPOTTER=PUBLIC):
        yield


@pytest.fixture
def declare():
    declared = []

    def add(name, call, **options):
        declared.append(name)
        return metrics.gauges(name, **options)(call)

    yield add
    for name in declared:
        metrics.forget(name)


@pytest.fixture
def users(declare):
    def users():
        """People with a log-in."""
        return {"total": 150, "trainers": 45}

    declare("users", users)


def parsed(client):
    text = client.get("/metrics/?format=openmetrics").text
    families = text_string_to_metric_families(text)
    return {s.name: s for family in families for s in family.samples}


def test_the_json_is_one_entry_a_source_and_the_time(client, users):
    body = client.get("/metrics/").json()
    assert isinstance(body.pop("timestamp"), float)
    assert body == {"users": {"total": 150, "trainers": 45}}


def test_openmetrics_names_the_thing_itself_and_its_parts(client, users):
    samples = parsed(client)
    assert samples["trainerhub_api_users"].value == 150
    assert samples["trainerhub_api_users_trainers"].value == 45


@pytest.mark.parametrize(
    ("accept", "query", "kind"),
    [
        ("", "", "application/json"),
        ("*/*", "", "application/json"),
        ("text/html", "", "application/json"),
        (
            "application/openmetrics-text; version=1.0.0",
            "",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.7,*/*;q=0.1",
            "",
            "text/plain; version=0.0.4; charset=utf-8",
        ),
        ("application/json;q=0.1, text/*;q=0", "", "application/json"),
        (
            "application/json",
            "?format=prometheus",
            "text/plain; version=0.0.4; charset=utf-8",
        ),
        ("text/plain", "?format=json", "application/json"),
    ],
)
def test_the_form_is_the_one_asked_for(client, users, accept, query, kind):
    response = client.get(f"/metrics/{query}", headers={"Accept": accept})
    assert response["Content-Type"] == kind


def test_promtool_has_no_complaint(client, users):
    client.get("/health/")
    text = client.get("/metrics/?format=prometheus").content
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_the_process_and_the_health_checks_are_in_the_text(client, users):
    client.get("/ready/")
    samples = parsed(client)
    assert samples["process_cpu_seconds_total"].value > 0
    assert "spotter_health_check_up" in samples


def test_a_failing_source_costs_only_its_own_entry(client, users, declare):
    declare("sales", lambda: {"total": 1 / 0})
    body = client.get("/metrics/").json()
    assert ("users" in body, "sales" in body, body["errors"]) == (
        True,
        False,
        ["sales"],
    )
    text = client.get("/metrics/?format=openmetrics").text
    assert 'spotter_source_up{source="users"} 1' in text
    assert 'spotter_source_up{source="sales"} 0' in text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "many", None])
def test_what_is_no_number_fails_its_source(client, declare, value):
    declare("sales", lambda: {"total": value})
    assert client.get("/metrics/").json()["errors"] == ["sales"]


def test_a_source_that_hangs_is_not_waited_for(client, users, declare):
    opened = threading.Event()
    declare("slow", lambda: {"total": int(opened.wait(30))})
    with override_settings(SPOTTER={**PUBLIC, "METRICS_BUDGET_SECONDS": 0.1}):
        body = client.get("/metrics/").json()
    opened.set()
    assert ("users" in body, body["errors"]) == (True, ["slow"])


def test_a_storm_of_scrapes_counts_once(client, declare):
    counted = []

    def users():
        counted.append(1)
        return {"total": len(counted)}

    declare("users", users)
    for _ in range(50):
        client.get("/metrics/")
    assert counted == [1]


def test_metrics_answer_under_asgi(users):
    response = async_to_sync(AsyncClient().get)("/metrics/")
    assert response.json()["users"]["total"] == 150


@pytest.mark.parametrize("name", ["Users", "1st", "a__b", "a-b", "", "sales_total"])
def test_a_name_that_openmetrics_refuses_is_refused(name):
    with pytest.raises(ConfigurationError):
        metrics.gauges(name)


def test_two_functions_cannot_have_one_name(declare):
    declare("sales", lambda: {"total": 1})

    def other():
        return {"total": 2}

    with pytest.raises(ConfigurationError, match="Rename one"):
        declare("sales", other)


@pytest.mark.parametrize(
    ("debug", "spotter", "expected"),
    [
        (True, {}, "public"),
        (False, {"ENVIRONMENT": "development"}, "public"),
        (False, {"ENVIRONMENT": "production"}, "staff"),
        (False, {"ENVIRONMENT": "production", "TOKEN": "t"}, "token"),
        (True, {"METRICS_ACCESS": "staff"}, "staff"),
        (True, {"METRICS_ACCESS": "everybody"}, "staff"),
    ],
)
def test_it_is_open_in_development_and_closed_elsewhere(debug, spotter, expected):
    with override_settings(DEBUG=debug, SPOTTER=spotter):
        assert access.policy() == expected


@override_settings(SPOTTER={"TOKEN": "sesame"}, ALLOWED_HOSTS=["example.com"])
def test_a_scraper_with_the_token_is_let_in_by_any_host_name(client, users):
    given = {"Authorization": "Bearer sesame", "Host": "10.0.0.7:8000"}
    assert client.get("/metrics/", headers=given).status_code == 200


@pytest.mark.parametrize(
    "given", ["", "Bearer wrong", "Bearer ", "Basic sesame", "sesame"]
)
@override_settings(SPOTTER={"TOKEN": "sesame"})
def test_without_the_token_it_says_what_to_do(client, users, given):
    response = client.get("/metrics/?token=sesame", headers={"Authorization": given})
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert "SPOTTER" in response.json()["detail"]


@override_settings(SPOTTER={"TOKEN": "sesame", "METRICS_ACCESS": "staff"})
@pytest.mark.parametrize(
    ("user", "authorization", "status"),
    [
        (AnonymousUser(), "", 403),
        (User(username="bob"), "", 403),
        (User(username="ann", is_staff=True), "", 200),
        (AnonymousUser(), "Bearer sesame", 200),
    ],
)
def test_staff_only_is_for_staff_and_who_holds_the_token(
    users, user, authorization, status
):
    given = {"Authorization": authorization}
    request = RequestFactory().get("/metrics/", headers=given)
    request.user = user
    assert view.metrics(request).status_code == status


def test_the_namespace_begins_with_a_letter():
    with override_settings(SPOTTER={"SERVICE_NAME": "24/7 Gym!"}):
        assert numbers.namespace() == "service_24_7_gym"
