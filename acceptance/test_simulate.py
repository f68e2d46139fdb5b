"""`manage.py simulate` against the real server: honest traffic, honest figures."""

from __future__ import annotations

import collections
import json
import pathlib
import re
from typing import Any

import psutil
import pytest

from acceptance.trainerhub_server import TrainerHub, get, running_trainerhub
from tests.servers.processes import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.long, pytest.mark.timeout(300)]
FAULTS = [
    *("n-plus-one", "slow-query", "error-burst", "cache-miss-storm"),
    *("slow-endpoint", "memory-growth"),
]
WITH_PEOPLE = {
    *("browse", "look at bookings", "book", "look at clients", "pay", "cancel"),
    *("confirm or complete", "race for a slot", "log in", "register"),
    *("mistype the password", "read the report", "scan for weaknesses"),
}
#: So many that all that people and scanners do is among them: of 800, one in a few
#: hundred draws had no scanner.
MANY = 1200


@pytest.fixture(scope="module")
def server(seeded_home):
    with running_trainerhub(seeded_home(), LOGIN_THROTTLE_RATE="600/min") as running:
        yield running


def simulate(server: TrainerHub, file: pathlib.Path, *arguments: str) -> dict[str, Any]:
    """Run it, demand a clean end, and give what it wrote."""
    ended = server.manage(
        *("simulate", "--url", server.url, "--json", str(file), "--seed", "7"),
        # All requests that a test asks for, however slow the machine is.
        *("--duration", "240", *arguments),
        timeout=270,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    sent: dict[str, Any] = json.loads(file.read_text())
    return sent


def api_log(server: TrainerHub) -> dict[str, dict[str, Any]]:
    """The lines of api.log by request id."""
    lines = (server.home / "logs" / "api.log").read_text().splitlines()
    return {entry["request_id"]: entry for entry in map(json.loads, lines)}


@pytest.fixture(scope="module")
def week(server, tmp_path_factory) -> dict[str, Any]:
    """What people, and scanners, have asked for in a week, and were answered."""
    file = tmp_path_factory.mktemp("week") / "sent.json"
    return simulate(server, file, "--rate=40", f"--requests={MANY}")


def test_a_week_passes_without_a_surprise(week):
    assert (week["requests"], week["unexpected"]) == (MANY, 0)
    assert set(week["actions"]) == WITH_PEOPLE


def test_every_request_is_in_api_log_with_its_status(server, week):
    logged = api_log(server)
    assert len(week["listed"]) == MANY
    assert {
        request["id"]: (request["method"], request["status"])
        for request in week["listed"]
    } == {
        request["id"]: (
            logged[request["id"]]["method"],
            logged[request["id"]]["status"],
        )
        for request in week["listed"]
    }


def test_scanners_find_nothing(week):
    scanned = week["actions"]["scan for weaknesses"]
    assert set(scanned["statuses"]) == {"4xx"}


@pytest.fixture(scope="module")
def faulty(server, tmp_path_factory) -> dict[str, Any]:
    """The same with every fault in it."""
    file = tmp_path_factory.mktemp("faulty") / "sent.json"
    faults = [f"--fault={name}" for name in FAULTS]
    return simulate(
        server, file, "--rate=40", "--requests=300", "--fault-share=0.3", *faults
    )


def hit_by(fault: str, sent: dict[str, Any]) -> list[dict[str, Any]]:
    """The requests in which that fault was carried out."""
    return [each for each in sent["listed"] if each["fault_seen"] == fault]


def test_each_fault_is_carried_out_as_often_as_it_was_answered(faulty):
    assert set(faulty["faults"]) == set(FAULTS)
    assert all(fault["carried_out"] for fault in faulty["faults"].values())


def test_an_n_plus_one_shows_in_the_query_count_of_its_request(server, faulty):
    logged = api_log(server)
    hit = hit_by("n-plus-one", faulty)
    assert hit
    assert all(logged[request["id"]]["db_queries"] > 100 for request in hit)


def test_a_slow_endpoint_is_slow(faulty):
    hit = hit_by("slow-endpoint", faulty)
    assert hit
    assert min(request["seconds"] for request in hit) >= 2


def test_memory_grows_in_the_workers(server, tmp_path):
    before = resident_bytes(server)
    simulate(
        *(server, tmp_path / "sent.json", "--rate=40", "--requests=60"),
        *("--fault=memory-growth", "--fault-share=0.5"),
    )
    assert resident_bytes(server) - before > 40 * 1024 * 1024


def resident_bytes(server: TrainerHub) -> int:
    family = psutil.Process(server.process.pid).children(recursive=True)
    return sum(process.memory_info().rss for process in family)


def test_no_slot_is_sold_twice_under_load(server, tmp_path):
    sent = simulate(
        *(server, tmp_path / "sent.json", "--rate=80", "--requests=600"),
        *("--users", "16"),
    )
    statuses: collections.Counter[int] = collections.Counter()
    for route in sent["routes"]:
        if (route["method"], route["route"]) == ("POST", "/api/bookings/"):
            statuses[route["status"]] += route["count"]
    assert statuses[201]
    assert set(statuses) <= {201, 409}
    assert not sent["broken_promises"]


def test_a_server_with_faults_off_is_told(seeded_home):
    with running_trainerhub(seeded_home(), TRAINERHUB_FAULTS="0") as server:
        server.env["TRAINERHUB_FAULTS"] = "1"
        ended = server.manage(
            *("simulate", "--url", server.url, "--requests=60", "--rate=40"),
            *("--fault=cache-miss-storm", "--fault-share=1"),
        )
    assert ended.returncode == 1
    assert re.search("the server ignored cache-miss-storm", ended.stderr)


def counted(server: TrainerHub, name: str) -> float:
    """A counter of `/metrics/`, all its label sets together."""
    text = get(f"{server.url}/metrics/?format=prometheus").text
    lines = [line for line in text.splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_the_business_is_counted_exactly(server, tmp_path):
    """Each booking ever made here is counted once, whichever worker made it."""
    simulate(server, tmp_path / "sent.json", "--rate=40", "--requests=300")
    made = sum(
        (line["method"], line["path"], line["status"])
        == ("POST", "/api/bookings/", 201)
        for line in api_log(server).values()
    )
    assert made > 0
    wait_until(
        lambda: counted(server, "trainerhub_bookings_made_total") == made,
        20,
        "every booking counted",
    )
