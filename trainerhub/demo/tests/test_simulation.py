"""A simulation keeps its pace, tells the truth and accounts for every request."""

from __future__ import annotations

import asyncio
import collections
import random
import re

import pytest

from trainerhub.demo.logins import Login
from trainerhub.demo.simulation import crowd
from trainerhub.demo.simulation.actions import ACTIONS
from trainerhub.demo.simulation.browser import Pacer, Plan
from trainerhub.demo.simulation.ledger import Ledger, Request, percentile
from trainerhub.demo.simulation.people import People, Person
from trainerhub.demo.simulation.week import HOURS_A_WEEK, PEOPLE, SCANNERS, Moment
from trainerhub.demo.tests.contract_server import running_contract_server

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

OK = frozenset({200})
CHANCE = random.Random(1)  # noqa: S311 (traffic, not secrets)


@pytest.fixture
def server():
    with running_contract_server() as running:
        yield running


def simulate(server, **plan) -> tuple[Ledger, bool]:
    async def watch(pacer, ledger) -> None:
        await asyncio.sleep(600)

    options = {"rate": 100_000, "duration_seconds": 250, "request_limit": 300} | plan
    logins = {
        "client": Login("client@example.com", "right"),
        "trainer": Login("trainer@example.com", "right"),
    }
    people = People([Person("t", 1)], [Person("a", 1), Person("b", 1)], logins)
    return asyncio.run(crowd.simulate(server.url, Plan(**options), people, 7, watch))


def request(**fields) -> Request:
    about = {"id": "1", "action": "browse", "method": "GET", "route": "/"}
    return Request(**about | {"status": 200, "seconds": 0.01} | fields)


def test_a_week_s_mean_activity_is_one():
    hours = [Moment((hour + 0.5) / HOURS_A_WEEK) for hour in range(HOURS_A_WEEK)]
    assert sum(hour.activity for hour in hours) / len(hours) == pytest.approx(1)


def test_monday_evening_is_busier_than_sunday_night():
    monday_evening, sunday_night = Moment(18.5 / 168), Moment((6 * 24 + 3.5) / 168)
    assert monday_evening.label == "Mon 18:00"
    assert monday_evening.activity > 20 * sunday_night.activity


def test_every_action_of_the_week_exists_and_is_done():
    assert set(ACTIONS) == set(PEOPLE) | set(SCANNERS)


def test_requests_come_at_the_rate_on_average():
    now = [0.0]
    plan = Plan(rate=50, duration_seconds=1000)
    pacer = Pacer(plan, CHANCE, lambda: now[0])
    while not pacer.is_over():
        now[0] += pacer.delay()
    assert pacer.given == pytest.approx(50_000, rel=0.05)


def test_a_server_that_was_slow_is_not_flooded_afterwards():
    now = [0.0]
    pacer = Pacer(Plan(rate=10, duration_seconds=10_000), CHANCE, lambda: now[0])
    now[0] = 5000.0
    at_once = 0
    while pacer.delay() == 0:
        at_once += 1
    assert at_once < 50


@pytest.mark.parametrize("limit", [1, 2, 300])
def test_exactly_the_asked_for_number_of_requests_is_sent(server, limit):
    ledger, _ = simulate(server, request_limit=limit)
    assert ledger.count == len(server.seen) == limit


def test_the_time_ends_a_simulation(server):
    ledger, is_reachable = simulate(
        server, request_limit=None, duration_seconds=0.5, rate=50
    )
    assert is_reachable
    assert ledger.count == len(server.seen)


def test_each_request_is_accounted_for_by_id_route_and_status(server):
    ledger, _ = simulate(server)
    sent = {(r["method"], r["route"], r["status"]): r["count"] for r in routes(ledger)}
    got = collections.Counter(
        (method, re.sub(r"/\d+(?=/)", "/{id}", path), status)
        for method, path, status in server.seen
    )
    assert sent == got
    assert sorted(r.id for r in ledger.requests) == sorted(server.ids)


def routes(ledger: Ledger):
    return ledger.document()["routes"]


def test_a_server_that_keeps_the_contract_is_clean(server):
    ledger, is_reachable = simulate(server, request_limit=1000)
    assert (ledger.is_clean, is_reachable) == (True, True), ledger.surprises
    assert set(ledger.tallies) == set(ACTIONS)


def test_an_unasked_500_is_unexpected(server):
    server.statuses["/api/trainers/"] = 500
    ledger, _ = simulate(server)
    assert ledger.surprises[0]["route"] == "/api/trainers/"
    assert not ledger.is_clean


def test_an_asked_for_500_is_not(server):
    ledger, _ = simulate(server, faults=("error-burst",), fault_share=0.5)
    assert ledger.is_clean
    assert ledger.asked["error-burst"] == ledger.seen["error-burst"] > 50


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (1.0, 100, 300)])
def test_the_share_of_faults_is_kept(server, share, least, most):
    ledger, _ = simulate(server, faults=("slow-query",), fault_share=share)
    assert least <= ledger.asked["slow-query"] <= most


def test_faults_that_the_server_ignores_are_told(server):
    server.carries_out_faults = False
    ledger, _ = simulate(server, faults=("slow-query",))
    assert ledger.ignored_faults == ["slow-query"]
    assert not ledger.is_clean


def test_a_slot_that_was_sold_twice_is_told(server):
    server.statuses["/api/bookings/"] = 201
    ledger, _ = simulate(server, request_limit=1500)
    assert "was booked twice" in ledger.broken_promises[0]


def test_a_server_that_stops_answering_ends_it(server):
    server.server_close()
    server.socket.close()
    ledger, is_reachable = simulate(server)
    assert not is_reachable
    assert 20 <= ledger.count < 40


@pytest.mark.parametrize(
    ("percent", "value"), [(1, 1.0), (50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0)]
)
def test_percentiles_are_measured_values(percent, value):
    assert percentile([float(n) for n in range(1, 101)], percent) == value


def test_the_percentile_of_nothing_is_0():
    assert percentile([], 99) == 0.0


def test_no_answer_at_all_is_unexpected():
    ledger = Ledger()
    ledger.add(request(status=0, error="ReadTimeout"), expected=OK)
    assert ledger.totals()["actions"]["browse"]["statuses"] == {"none": 1}
    assert not ledger.is_clean


def test_a_500_with_another_fault_is_unexpected():
    ledger = Ledger()
    ledger.add(request(status=500, fault_seen="slow-query"), expected=OK)
    assert ledger.surprise_count == 1
