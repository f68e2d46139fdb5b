"""Slow work flies alone, once at a time, and is never waited for too long."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from spotter import flights
from spotter.flights import MAX_GIVEN_UP, Fleet, Flight
from tests.servers.processes import wait_until


class Gate:
    """A callable that hangs until it is opened, and counts how often it was entered."""

    def __init__(self):
        self.opened = threading.Event()
        self.calls = 0

    def __call__(self):
        self.calls += 1
        self.opened.wait(30)
        return self.calls


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.opened.set()


def flight_of(call, *, ttl=60.0, timeout=0.05):
    return Flight("test", call, ttl_seconds=ttl, timeout_seconds=timeout)


def test_a_result_is_remembered_for_its_ttl():
    calls = []
    fleet = Fleet([flight_of(lambda: calls.append(1), timeout=30)])
    for _ in range(3):
        fleet.gather(30)
    assert calls == [1]


def test_a_result_with_no_ttl_is_asked_for_anew():
    calls = []
    fleet = Fleet([flight_of(lambda: calls.append(1), ttl=0, timeout=30)])
    for _ in range(3):
        fleet.gather(30)
    assert calls == [1, 1, 1]


def test_an_error_is_handed_to_the_reader():
    [sight] = Fleet([flight_of(lambda: 1 / 0, timeout=30)]).gather(30)
    assert sight.landing is not None
    assert isinstance(sight.landing.error, ZeroDivisionError)


def test_a_hung_run_is_overdue_and_not_started_twice(gate):
    fleet = Fleet([flight_of(gate)])
    for _ in range(100):
        [sight] = fleet.gather(0.06)
    assert gate.calls == 1
    assert sight.overdue_seconds is not None


def test_what_lands_late_is_marked_and_looked_at_again(gate):
    flight = flight_of(gate)
    fleet = Fleet([flight])
    fleet.gather(0.06)
    gate.opened.set()
    wait_until(lambda: flight.see().landing is not None, 5, "landing")
    assert flight.see().landing.late
    flight.timeout_seconds = 30
    fleet.gather(30)
    assert (gate.calls, flight.see().landing.late) == (2, False)


def test_a_run_that_never_comes_back_is_given_up_a_few_times_only(gate, monkeypatch):
    monkeypatch.setattr(flights, "GIVE_UP_SECONDS", 0.0)
    flight = flight_of(gate, timeout=0.001)
    fleet = Fleet([flight])
    for _ in range(20):
        fleet.gather(0.005)
    assert gate.calls == 1 + MAX_GIVEN_UP


def test_only_two_requests_of_a_server_wait(gate):
    fleet = Fleet([flight_of(gate, timeout=30)])
    waiting = [threading.Thread(target=fleet.gather, args=(30,)) for _ in range(2)]
    for thread in waiting:
        thread.start()
    wait_until(lambda: not fleet._seats._value, 5, "both seats taken")
    [sight] = fleet.gather(30)  # returns while the gate is shut
    assert sight.landing is None
    gate.opened.set()
    for thread in waiting:
        thread.join()


def test_the_event_loop_runs_on_while_a_run_hangs(gate):
    async def count_while_waiting():
        ticks = 0
        waiting = asyncio.ensure_future(Fleet([flight_of(gate)]).agather(0.2))
        while not waiting.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return ticks

    assert asyncio.run(count_while_waiting()) > 5


def test_many_readers_share_one_run():
    calls = []
    fleet = Fleet([flight_of(lambda: calls.append(1), timeout=30)])

    async def storm():
        await asyncio.gather(*(fleet.agather(30) for _ in range(100)))

    asyncio.run(storm())
    assert calls == [1]


def test_a_forked_child_flies_anew(gate):
    """The parent's thread is not in the child; its run must not be waited for."""
    flight = flight_of(gate)
    flight.start()
    child = os.fork()
    if not child:
        flight.call = int
        flight.timeout_seconds = 30
        [sight] = Fleet([flight]).gather(10)
        os._exit(0 if sight.landing and sight.landing.value == 0 else 1)
    assert os.waitpid(child, 0)[1] == 0
