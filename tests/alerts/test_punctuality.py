"""Whether a job is well, by its signs of life: late, failed, stuck, slow, small."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest

from spotter.alerts.punctuality import (
    Heartbeat,
    durations,
    in_words,
    problem_of,
    seconds_of,
)
from spotter.alerts.records import Ping
from spotter.exceptions import ConfigurationError

NOW = 1_000_000.0
JOB = Heartbeat(name="nightly", every_seconds=3600, grace_seconds=60)
TIMED = Heartbeat(name="nightly", every_seconds=3600, max_seconds=600)
BACKUP = Heartbeat(name="backup", every_seconds=86400, is_backup=True)


def beats(*given):
    """Pings of ages in seconds, the latest first."""
    return [
        Ping(name="x", kind=kind, at=NOW - age, body=body) for age, kind, body in given
    ]


def sized(*sizes):
    return [(n, "success", {"size": size}) for n, size in enumerate(sizes)]


def taking(*seconds):
    return [(n, "success", {"seconds": each}) for n, each in enumerate(seconds)]


@pytest.mark.parametrize(
    ("job", "given", "expected"),
    [
        (JOB, [(3659, "success", {})], ""),
        (JOB, [(3660, "success", {})], ""),
        (JOB, [(3661, "success", {})], "nightly succeeded last 1.0 h ago; it should every 1.0 h"),
        (JOB, [(60, "start", {}), (3661, "success", {})], "nightly succeeded last 1.0 h ago; it should every 1.0 h; it began 60 s ago and has not ended"),
        (JOB, [(5, "failure", {"output": "boom"}), (9, "success", {})], "nightly failed: boom"),
        (JOB, [(5, "failure", {"exit_code": 3})], "nightly failed with exit code 3"),
        (JOB, [(1, "start", {}), (5, "failure", {})], "nightly failed"),
        (JOB, [(5, "start", {}), (9, "success", {})], ""),
        (JOB, [(3000, "start", {}), (3500, "success", {})], ""),
        (TIMED, [(599, "start", {}), (999, "success", {})], ""),
        (TIMED, [(600, "start", {}), (999, "success", {})], ""),
        (TIMED, [(601, "start", {}), (999, "success", {})], "nightly has been running for 10 min; it may take 10 min"),
        (TIMED, [(1, "success", {}), (900, "start", {})], ""),
        (BACKUP, sized(0), "backup is empty"),
        (BACKUP, sized(49, 100, 100, 100), "backup has 49 bytes; the median before was 100"),
        (BACKUP, sized(50, 100, 100, 100), ""),
        (BACKUP, sized(49, 100, 100), ""),
        (JOB, sized(49, 100, 100, 100), ""),
        (JOB, taking(301, 100, 100, 100), "nightly took 5 min; the median before was 100 s"),
        (JOB, taking(300, 100, 100, 100), ""),
        (JOB, taking(301, 100, 100), ""),
        (JOB, taking(60, 1, 1, 1), ""),
        (JOB, taking(62, 1, 1, 1), "nightly took 62 s; the median before was 1 s"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_job_is_said(job, given, expected):
    assert problem_of(job, beats(*given), NOW) == expected


@pytest.mark.parametrize(("since", "expected"), [(3660, ""), (3661, "nightly has never reported success")])  # fmt: skip
def test_a_job_that_never_ran_is_missing_after_its_first_period(since, expected):
    assert problem_of(JOB, [], NOW, NOW - since) == expected


def test_a_job_that_nobody_registered_yet_is_not_missing():
    assert problem_of(JOB, [], NOW) == ""


def test_one_that_began_and_never_ended_is_missing_after_its_first_period():
    found = problem_of(JOB, beats((4000, "start", {})), NOW, NOW - 4000)
    assert found == "nightly has never reported success; it began 1.1 h ago and has not ended"  # fmt: skip


def test_how_long_a_run_took_is_what_it_says_or_the_time_since_its_start():
    given = beats(
        (10, "success", {}), (40, "start", {}), (50, "success", {"seconds": 7}),
        (60, "start", {}), (70, "success", {}), (80, "failure", {}), (90, "start", {}),
    )  # fmt: skip
    assert durations(given) == [30, 7]


def at(zone: str, *when: int) -> float:
    year, month, day, hour, minute = when
    moment = datetime.datetime(
        year, month, day, hour, minute, tzinfo=zoneinfo.ZoneInfo(zone)
    )
    return moment.timestamp()


@pytest.mark.parametrize(
    ("zone", "last", "next_"),
    [
        # A night of 25 hours, one of 23, and one whose half past two there is twice.
        ("Europe/Berlin", (2026, 10, 24, 2, 30), (2026, 10, 25, 2, 30)),
        ("Europe/Berlin", (2026, 10, 24, 4, 0), (2026, 10, 25, 4, 0)),
        ("Europe/Berlin", (2026, 3, 28, 4, 0), (2026, 3, 29, 4, 0)),
        ("America/New_York", (2026, 10, 31, 4, 0), (2026, 11, 1, 4, 0)),
        ("Australia/Lord_Howe", (2026, 4, 4, 4, 0), (2026, 4, 5, 4, 0)),
    ],
)
def test_a_job_by_local_time_is_in_time_when_the_clocks_change(zone, last, next_):
    nightly = Heartbeat(name="nightly", every_seconds=86400)
    pings = [Ping(name="nightly", kind="success", at=at(zone, *last))]
    assert problem_of(nightly, pings, at(zone, *next_)) == ""
    assert problem_of(nightly, pings, at(zone, *next_) + 4 * 3600) != ""


@pytest.mark.parametrize("jump", [-3600, -86400, 3600])
def test_a_clock_that_is_set_does_not_make_a_job_late_that_was_not(jump):
    nightly = Heartbeat(name="nightly", every_seconds=86400)
    pings = [Ping(name="nightly", kind="success", at=NOW - 60)]
    assert problem_of(nightly, pings, NOW + jump) == ""


def test_a_ping_dated_far_ahead_does_not_keep_a_job_in_time():
    pings = beats((-365 * 86400, "success", {}), (4000, "success", {}))
    assert problem_of(JOB, pings, NOW).startswith("nightly succeeded last")


@pytest.mark.parametrize(
    ("every", "allowed"),
    [(60, 660), (3600, 4200), (6000, 6600), (6010, 6611), (86400, 95040)],
)
def test_the_grace_is_a_tenth_and_ten_minutes_at_least(every, allowed):
    found = Heartbeat(name="x", every_seconds=every).allowed_seconds
    assert found == pytest.approx(allowed)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (90, 90), (0.5, 0.5), ("90s", 90), ("15m", 900), ("6h", 21600), (" 1d ", 86400),
        ("2w", 1209600), ("1.5h", 5400), (datetime.timedelta(days=1), 86400),
    ],
)  # fmt: skip
def test_a_duration_is_read_as_people_write_it(given, seconds):
    assert seconds_of(given) == seconds


@pytest.mark.parametrize("given", [0, -1, True, "0d", "", "1 day", "0 3 * * *", "1y", float("inf"), datetime.timedelta()])  # fmt: skip
def test_what_is_no_duration_is_refused_with_what_to_write(given):
    with pytest.raises(ConfigurationError, match="'15m', '6h' or '1d'"):
        seconds_of(given)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 s"), (119, "119 s"), (120, "2 min"), (3599, "60 min"), (3600, "1.0 h"), (172800, "2.0 days")],
)  # fmt: skip
def test_a_long_time_is_written_in_words(seconds, text):
    assert in_words(seconds) == text
