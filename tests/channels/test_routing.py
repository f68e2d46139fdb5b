"""Who is told: severities, environments, rules, labels, hours and days."""

from __future__ import annotations

import datetime
import re
import zoneinfo

import pytest

from spotter.channels import Channel

BERLIN = "Europe/Berlin"


def why_not(channel: Channel, now: float = 0.0, **labels: str) -> str:
    alert = {"rule": "Broken", "severity": "critical", **labels}
    return channel.why_not(
        severity="critical", environment="production", alerts=[alert], now=now
    )


def at(text: str, zone: str = BERLIN, fold: int = 0) -> float:
    """Unix seconds of a local time."""
    moment = datetime.datetime.fromisoformat(text)
    return moment.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("db-1", "db-1"),
        (("db-1", "db-2"), "db-2"),
        (re.compile(r"db-\d+"), "db-77"),
        ("", ""),
    ],
)
def test_an_alert_with_the_wanted_label_is_told(wanted, given):
    assert why_not(Channel(labels={"host.name": wanted}), **{"host.name": given}) == ""


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("db-1", "db-10"),
        (("db-1", "db-2"), "db"),
        (re.compile(r"db-\d"), "db-77"),
        ("db-1", ""),
    ],
)
def test_an_alert_with_another_label_is_not_told_and_it_says_which(wanted, given):
    found = why_not(Channel(labels={"host.name": wanted}), **{"host.name": given})
    assert found == "nothing that fires has its labels (host.name)"


def test_all_labels_must_be_those_of_one_alert():
    channel = Channel(labels={"rule": "A", "host": "x"})
    alerts = [{"rule": "A", "host": "y"}, {"rule": "B", "host": "x"}]
    assert not any(channel.takes(each) for each in alerts)
    assert channel.takes({"rule": "A", "host": "x", "more": "y"})


OFFICE = Channel(
    hours=("09:00", "18:00"), days=("mon", "tue", "wed", "thu", "fri"), timezone=BERLIN
)


@pytest.mark.parametrize(
    ("moment", "is_on_duty"),
    [
        ("2026-11-26 08:59:59", False),
        ("2026-11-26 09:00:00", True),
        ("2026-11-26 17:59:59", True),
        ("2026-11-26 18:00:00", False),
        ("2026-11-28 12:00:00", False),  # a Saturday
        ("2026-07-01 09:00:00", True),  # summer time
        ("2026-07-01 08:59:00", False),
    ],
)
def test_the_hours_are_those_of_its_place(moment, is_on_duty):
    assert OFFICE.is_on_duty(at(moment)) is is_on_duty


NIGHT = Channel(hours=("22:00", "06:00"), days=("fri",), timezone=BERLIN)


@pytest.mark.parametrize(
    ("moment", "is_on_duty"),
    [
        ("2026-11-27 21:59:59", False),
        ("2026-11-27 22:00:00", True),  # Friday night
        ("2026-11-28 05:59:59", True),  # still Friday's
        ("2026-11-28 06:00:00", False),
        ("2026-11-28 22:00:00", False),  # Saturday night
        ("2026-11-27 03:00:00", False),  # Thursday's night
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(moment, is_on_duty):
    assert NIGHT.is_on_duty(at(moment)) is is_on_duty


def test_the_hour_that_is_skipped_and_the_one_that_comes_twice_are_in_their_hours():
    early = Channel(hours=("02:30", "04:00"), timezone=BERLIN)
    before, after = at("2026-03-29 01:59:59"), at("2026-03-29 03:00:00")
    assert (early.is_on_duty(before), early.is_on_duty(after)) == (False, True)
    both = [at("2026-10-25 02:45:00", fold=fold) for fold in (0, 1)]
    assert both[1] - both[0] == 3600
    assert [early.is_on_duty(moment) for moment in both] == [True, True]


@pytest.mark.parametrize(
    "wrong",
    [
        {"timezone": "Mars/Olympus"},
        {"days": ("monday",)},
        {"hours": ("9", "18:00")},
        {"hours": ("09:00", "25:00")},
        {"hours": ("09:00", "09:00")},
        {"hours": ("09:00",)},
    ],
    ids=str,
)
def test_hours_that_cannot_be_read_are_told_and_mute_nobody(wrong):
    channel = Channel(**{"hours": ("09:00", "18:00"), **wrong})
    assert len(channel.routing_problems()) == 1
    assert channel.is_on_duty(at("2026-11-28 03:00:00"))


def test_the_whole_day_can_be_written():
    channel = Channel(hours=("00:00", "24:00"))
    assert channel.routing_problems() == []
    assert channel.is_on_duty(at("2026-11-26 23:59:59", "UTC"))


def test_a_reason_says_when_it_is_told():
    found = why_not(NIGHT, at("2026-11-28 12:00:00"))
    assert found == "outside of its hours (fri 22:00 to 06:00 Europe/Berlin)"


def test_the_fingerprint_changes_with_every_setting_and_needs_the_projects_key(
    settings,
):
    before = Channel(name="a").fingerprint
    assert Channel(name="a").fingerprint == before
    assert Channel(name="a", remind_seconds=1).fingerprint != before
    settings.SECRET_KEY = "another"
    assert Channel(name="a").fingerprint != before
