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

pytestmark = pytest.mark.acceptance
FAULTS = [
    *("n-plus-one", "slow-query", "error-burst", "cache-miss-storm"),
    *("slow-endpoint", "memory-growth"),
]
WITH_PEOPLE = {
    *("browse", "look at bookings", "book", "look at clients", "pay", "cancel"),
    *("confirm or complete", "race for a slot", "log in", "register"),
    *("mistype the password", "read the report", "scan for weaknesses"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with running_trainerhub(home, LOGIN_THROTTLE_RATE="600/min") as running:
        yield running


def simulate(server: TrainerHub, file: pathlib.Path, *arguments: str) -> dict[str, Any]:
    """Run it, demand a clean end, and give what it wrote."""
    ended = server.manage(
        *("simulate", "--url", server.url, "--json", str(file), "--seed", "7"),
        *("--duration", "60", *arguments),
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    sent: dict[str, Any] = json.loads(file.read_text())
    return sent


def api_log(server: TrainerHub) -> dict[str, dict[str, Any]]:
    """The lines of api.log by request id."""
    lines = (server.home / "logs" / "api.log").read_text().splitlines()
    return {entry["request_id"]: entry for entry in map(json.loads, lines)}


def test_a_week_passes_without_a_surprise(server, tmp_path):
    sent = simulate(server, tmp_path / "sent.json", "--rate=40", "--requests=800")
    assert (sent["requests"], sent["unexpected"]) == (800, 0)
    assert set(sent["actions"]) == WITH_PEOPLE


def test_every_request_is_in_api_log_with_its_status(server, tmp_path):
    sent = simulate(server, tmp_path / "sent.json", "--rate=40", "--requests=200")
    logged = api_log(server)
    assert {
        request["id"]: (request["method"], request["status"])
        for request in sent["listed"]
    } == {
        request["id"]: (
            logged[request["id"]]["method"],
            logged[request["id"]]["status"],
        )
        for request in sent["listed"]
    }


def test_each_fault_is_carried_out_as_often_as_it_was_answered(server, tmp_path):
    faults = [f"--fault={name}" for name in FAULTS]
    sent = simulate(
        *(server, tmp_path / "sent.json", "--rate=40", "--requests=300"),
        *("--fault-share=0.3", *faults),
    )
    assert set(sent["faults"]) == set(FAULTS)
    assert all(fault["carried_out"] for fault in sent["faults"].values())


def test_an_n_plus_one_shows_in_the_query_count_of_its_request(server, tmp_path):
    sent = simulate(
        *(server, tmp_path / "sent.json", "--rate=40", "--requests=40"),
        *("--fault=n-plus-one", "--fault-share=0.5"),
    )
    logged = api_log(server)
    hit = [request["id"] for request in sent["listed"] if request["fault_seen"]]
    assert hit
    assert all(logged[request_id]["db_queries"] > 100 for request_id in hit)


def test_a_slow_endpoint_is_slow(server, tmp_path):
    sent = simulate(
        *(server, tmp_path / "sent.json", "--rate=40", "--requests=40"),
        *("--fault=slow-endpoint", "--fault-share=0.3"),
    )
    hit = [r["seconds"] for r in sent["listed"] if r["fault_seen"]]
    assert hit
    assert min(hit) >= 2


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


def test_scanners_find_nothing(server, tmp_path):
    sent = simulate(server, tmp_path / "sent.json", "--rate=40", "--requests=400")
    scanned = sent["actions"]["scan for weaknesses"]
    assert set(scanned["statuses"]) == {"4xx"}


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


def test_a_server_with_faults_off_is_told(tmp_path):
    with running_trainerhub(tmp_path, TRAINERHUB_FAULTS="0") as server:
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
