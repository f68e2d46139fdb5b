"""Jumping clocks, machines that sleep, and summer time: none of it is time."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest

from spotter.alerts.clock import JUMP_SECONDS, Clock
from spotter.alerts.desk import UNHEARD_SECONDS
from spotter.alerts.engine import GONE_SECONDS, TOGETHER_SECONDS
from spotter.alerts.records import Shut
from spotter.alerts.shipped.monitoring import SILENT_SECONDS
from spotter.channels import Channel, DeliveryError
from tests.alerts.kit import Recorded, World, rule
from tests.alerts.measured import Measured, Watch

HOUR = 3600.0
JUMPS = [pytest.param(HOUR, id="an hour on"), pytest.param(-HOUR, id="an hour back")]


@pytest.mark.parametrize(
    ("wall", "steady", "jump"),
    [
        pytest.param(5, 5, 0, id="time passes"),
        pytest.param(5 + JUMP_SECONDS, 5, 0, id="a limit's worth"),
        pytest.param(5.1 + JUMP_SECONDS, 5, 5.1, id="more"),
        pytest.param(5 - HOUR, 5, -HOUR, id="set back"),
        pytest.param(5 + 8 * HOUR, 5, 8 * HOUR, id="slept"),
    ],
)
def test_a_jump_is_what_the_two_clocks_disagree_about(wall, steady, jump):
    times = iter([(100.0, 10.0), (100.0 + wall, 10.0 + steady)])
    now = [next(times)]
    clock = Clock(lambda: now[0][0], lambda: now[0][1])
    assert clock.jumped() == 0.0
    now[0] = next(times)
    assert clock.jumped() == pytest.approx(jump)
    assert clock.jumped() == 0.0


@pytest.mark.parametrize("jump", JUMPS)
def test_a_wait_is_as_long_whichever_way_the_clock_jumps(jump):
    world = World(rule(for_=60.0))
    world.tick(5, Broken=1)
    world.now += jump
    world.engine.skip(jump)
    for _ in range(11):
        world.tick(5)
    assert world.channels[0].sent == []
    world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger"]


@pytest.mark.parametrize("jump", JUMPS)
def test_an_alert_is_kept_as_long_whichever_way_the_clock_jumps(jump):
    world = World(rule(keep_firing_for=60.0))
    world.tick(5, Broken=1)
    world.tick(5, Broken=0)
    world.now += jump
    world.engine.skip(jump)
    world.tick(55)
    assert world.channels[0].kinds_sent == ["trigger"]
    world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]


def test_a_jump_does_not_make_monitoring_blind_to_what_was_unknown_for_a_moment():
    world = World(rule(no_data_after=300.0), rule("MonitoringNoData"))
    world.tick(5, Broken=1)
    world.tick(5, Broken=None)
    world.now += HOUR
    world.engine.skip(HOUR)
    world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_a_jump_does_not_let_go_of_a_host_that_was_not_heard_of_for_a_moment():
    world = World()
    world.tick(5, Broken=1)
    del world.values["Broken"]
    world.tick(5)
    world.now += GONE_SECONDS
    world.engine.skip(GONE_SECONDS)
    world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger"]


def set_back(world: World, seconds: float = HOUR) -> None:
    """The clock, and all that a watcher moves with it."""
    world.now -= seconds
    world.engine.skip(-seconds)


def test_what_is_gathered_is_told_although_the_clock_is_set_back():
    world = World(channels=[Recorded(group_seconds=5.0)])
    world.tick(5, Broken=1)
    set_back(world)
    world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_nobody_escalates_an_hour_late_because_the_clock_is_set_back():
    world = World(channels=[Recorded(), Recorded(name="next", after_seconds=900)])
    world.tick(5, Broken=1)
    set_back(world)
    world.tick(900)
    assert world.channels[1].kinds_sent == ["trigger"]


def test_a_channel_that_fails_is_replaced_although_the_clock_is_set_back():
    dead = Recorded(failures=[DeliveryError("503", retry_after=1)] * 99)
    world = World(channels=[dead, Recorded(name="mail", severities=("info",))])
    world.tick(5, Broken=1)
    set_back(world)
    world.tick(UNHEARD_SECONDS)
    assert world.channels[1].kinds_sent == ["trigger"]


def test_a_shut_channel_is_tried_although_the_clock_is_set_back_by_a_day():
    shut = Shut(settings="abc", reason="answered 404", at=100_000.0)
    assert shut.holds("abc", 100_001.0)
    assert not shut.holds("abc", 100_000.0 - 86_400.0)


def test_what_a_cause_has_left_behind_is_told_although_the_clock_is_set_back():
    world = World(rule("Errors", because_of=("DatabaseDown",)), rule("DatabaseDown"))
    world.tick(5, DatabaseDown=1, Errors=0)
    world.tick(5, DatabaseDown=0)
    set_back(world)
    world.tick(TOGETHER_SECONDS, Errors=1)
    assert world.channels[0].kinds_sent[2:] == ["trigger"]


def alive(measured):
    measured.gauge("process.memory.usage", 1, {"host.name": "w", "process.pid": "1"})


@pytest.mark.parametrize("jump", [*JUMPS, pytest.param(8 * HOUR, id="slept")])
def test_nobody_is_late_because_the_clock_jumped(jump):
    measured = Measured()
    alive(measured)
    watch = Watch(measured, measured.rules["MonitoringNoData"])
    watch.look()
    measured.now += jump + 5
    watch.engine.skip(jump)
    assert watch.look() == set()
    measured.now += SILENT_SECONDS - 5
    assert watch.look() == set()
    measured.now += 1
    assert watch.look() == {"MonitoringNoData"}


def test_nobody_is_late_because_the_machine_was_off_over_night():
    """The watcher begins before anybody has asked the new processes for anything."""
    measured = Measured()
    alive(measured)
    measured.write()
    measured.now += 10 * HOUR
    watch = Watch(measured, measured.rules["MonitoringNoData"])
    assert watch.look() == set()
    measured.now += SILENT_SECONDS
    assert watch.look() == set()
    measured.now += 1
    assert watch.look() == {"MonitoringNoData"}


def test_a_watcher_that_starts_again_does_not_take_a_dead_service_for_well():
    measured = Measured()
    alive(measured)
    watch = Watch(measured, measured.rules["MonitoringNoData"])
    watch.look()
    measured.now += SILENT_SECONDS + 1
    assert watch.look() == {"MonitoringNoData"}
    again = Watch(measured, Measured().rules["MonitoringNoData"])
    with measured.book.reading() as page:
        again.engine.load(page)
    assert again.look() == {"MonitoringNoData"}
    measured.now += SILENT_SECONDS + 1
    assert again.look() == {"MonitoringNoData"}


@pytest.mark.parametrize(
    ("day", "is_on"),
    [
        pytest.param(datetime.date(2026, 3, 28), True, id="before summer time"),
        pytest.param(datetime.date(2026, 3, 29), True, id="the day it begins"),
        pytest.param(datetime.date(2026, 10, 25), True, id="the day it ends"),
    ],
)
def test_hours_are_those_of_the_clock_on_the_wall(day, is_on):
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    chat = Channel(name="chat", hours=("09:00", "17:00"), timezone="Europe/Berlin")
    begin = datetime.datetime.combine(day, datetime.time(9), zone).timestamp()
    assert chat.is_on_duty(begin) is is_on
    assert not chat.is_on_duty(begin - 1)


def test_the_hour_that_comes_twice_is_waited_through_once():
    """When summer time ends a wait of half an hour is half an hour."""
    world = World(rule(for_=1800.0))
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    at = datetime.datetime(2026, 10, 25, 2, 45, tzinfo=zone)
    world.now = at.timestamp()
    for _ in range(30):
        world.tick(60, Broken=1)
    assert world.channels[0].sent == []
    world.tick(60)
    assert world.channels[0].kinds_sent == ["trigger"]
