"""Every shipped rule: below, at and above its limit, where it begins and that it ends."""

from __future__ import annotations

import os
import socket

import pytest

from spotter.alerts.machine import Truth
from spotter.alerts.rules import Rule
from spotter.alerts.shipped.monitoring import FAILING_TRIES, REFUSED_SECONDS
from spotter.alerts.shipped.releases import SUSPECT_SECONDS, TOGETHER_SECONDS
from spotter.alerts.statistics import has_risen
from spotter.stores.contract import StoreError
from tests.alerts.measured import Measured, Watch

DAY, HOUR = 86400.0, 3600.0


@pytest.fixture
def measured():
    return Measured()


# Errors.


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        pytest.param(991, 9, "false", id="below 1 %"),
        pytest.param(990, 10, "false", id="exactly 1 % is not above"),
        pytest.param(989, 11, "true", id="above 1 %"),
        pytest.param(16, 3, "false", id="19 requests are too few"),
        pytest.param(17, 3, "true", id="20 are enough"),
        pytest.param(100, 2, "false", id="two errors are too few"),
        pytest.param(100, 3, "true", id="three are enough"),
    ],
)
def test_the_error_rate(measured, good, bad, expected):
    measured.requests(good)
    measured.requests(bad, "503")
    assert measured.holds("HighErrorRate") == [expected]


@pytest.mark.parametrize(("bad", "expected"), [(4, "false"), (5, "false"), (6, "true")])
def test_an_error_rate_that_fires_ceases_at_half_a_per_cent(measured, bad, expected):
    measured.requests(1000 - bad)
    measured.requests(bad, "500")
    assert measured.holds("HighErrorRate", is_firing=True) == [expected]


def test_client_errors_are_no_errors(measured):
    measured.requests(50, "404")
    measured.requests(50, "429")
    assert measured.holds("HighErrorRate") == ["false"]


def test_errors_of_six_minutes_ago_are_past(measured):
    measured.requests(50, "500", ago=330)
    measured.requests(50)
    assert measured.holds("HighErrorRate") == ["false"]


def test_a_fresh_service_is_judged_by_what_there_is(measured):
    """One minute after the start, with a window of five."""
    measured.requests(20, "500", ago=60)
    assert measured.holds("HighErrorRate") == ["true"]


def test_no_traffic_is_neither_good_nor_bad(measured):
    assert measured.holds("HighErrorRate") == ["unknown"]


def test_a_service_without_traffic_over_night_does_not_make_monitoring_blind(measured):
    """Its processes go on measuring themselves; errors fired before it went quiet."""
    watch = Watch(measured)
    measured.requests(100, "500")
    watch.look()
    for _ in range(60):
        measured.now += 60
        measured.gauge("process.memory.usage", 1, {"host.name": "web"})
        fires = watch.look()
    assert "HighErrorRate" in fires
    assert "MonitoringNoData" not in fires


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        pytest.param(0, 2, "false", id="two errors are too few"),
        pytest.param(0, 3, "true", id="three of three"),
        pytest.param(4, 3, "false", id="below a half"),
        pytest.param(3, 3, "true", id="exactly a half"),
        pytest.param(2, 3, "true", id="above a half"),
    ],
)
def test_a_service_of_few_requests_that_is_dead(measured, good, bad, expected):
    measured.requests(good, ago=3000)
    measured.requests(bad, "502", ago=2000)
    assert measured.holds("HighErrorRateLowTraffic") == [expected]


# Response time.


@pytest.mark.parametrize(
    ("fast", "slow", "expected"),
    [
        pytest.param(96, 4, "false", id="below 5 %"),
        pytest.param(95, 5, "false", id="exactly 5 % is p95 at the limit"),
        pytest.param(94, 6, "true", id="above 5 %"),
        pytest.param(17, 2, "false", id="19 requests are too few"),
        pytest.param(18, 2, "true", id="20 are enough"),
    ],
)
def test_the_response_time(measured, fast, slow, expected):
    measured.requests(fast)
    measured.requests(slow, seconds=2.01)
    assert measured.holds("SlowResponses") == [expected]


def test_two_seconds_exactly_are_not_over_two_seconds(measured):
    measured.requests(100, seconds=2.0)
    assert measured.holds("SlowResponses") == ["false"]


# Hosts.


@pytest.mark.parametrize(
    ("name", "metric", "limit", "clear"),
    [
        ("DiskSpaceLow", "system.filesystem.utilization", 0.8, 0.78),
        ("HighMemory", "system.memory.utilization", 0.8, 0.75),
        ("HighCPU", "system.cpu.utilization", 0.8, 0.7),
    ],
)
def test_what_a_host_uses(measured, name, metric, limit, clear):
    def at(value, *, is_firing=False):
        fresh = Measured()
        # Thirty readings, whose mean must not be more than each of them.
        for ago in range(0, 300, 10):
            fresh.gauge(metric, value, {"host.name": "a"}, ago)
        return fresh.holds(name, is_firing=is_firing)

    assert [at(limit - 0.001), at(limit), at(limit + 0.001)] == [
        ["false"], ["false"], ["true"],
    ]  # fmt: skip
    assert [at(clear, is_firing=True), at(clear + 0.001, is_firing=True)] == [
        ["false"], ["true"],
    ]  # fmt: skip


def test_exactly_twenty_per_cent_free_is_no_alert_and_a_little_less_is(measured):
    labels = {"host.name": "a", "system.filesystem.mountpoint": "/"}
    for percent, expected in ((80.0, ["false"]), (80.1, ["true"])):
        measured.gauge("system.filesystem.utilization", percent / 100, labels)
        assert measured.holds("DiskSpaceLow") == [expected[0]]
        measured.now += 10


def test_a_minute_of_full_cpu_is_not_sustained_and_ten_are(measured):
    watch = Watch(measured, measured.rules["HighCPU"])
    fires = []
    for minute in range(12):
        for ago in range(50, -10, -10):
            measured.gauge(
                "system.cpu.utilization", 1.0 if minute >= 1 else 0.1, {"host.name": "a"}, ago
            )  # fmt: skip
        fires.append(bool(watch.look()))
        measured.now += 60
    assert not any(fires[:8])
    assert fires[-1]


def test_the_gauge_of_a_host_that_is_gone_is_not_judged(measured):
    measured.gauge("system.memory.utilization", 0.99, {"host.name": "gone"}, ago=120)
    measured.gauge("system.memory.utilization", 0.1, {"host.name": "here"})
    assert [r.labels["host.name"] for r in measured.readings("HighMemory")] == ["here"]


# Dependencies.


def probed(measured, failures, watcher="w", ago=0):
    """A watcher's last look, after so many that failed in a row."""
    labels = {"probe": "health", "watcher": watcher}
    measured.gauge("spotter.probe.success", int(not failures), labels, ago=ago)
    measured.gauge("spotter.probe.failures", failures, labels, ago=ago)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([2], "true"),
        ([1], "false"),
        ([0], "false"),
        ([2, 0], "false"),
        ([2, 1], "false"),
        ([2, 3], "true"),
    ],
)
def test_a_monitor_is_down_when_every_watcher_saw_it_twice(measured, words, expected):
    for number, failures in enumerate(words):
        probed(measured, failures, watcher=f"w{number}")
    assert measured.holds("HealthCheckFailing") == [expected]


def test_a_monitor_that_is_probed_once_in_a_minute_stays_known_between(settings):
    settings.SPOTTER = {"PROBE_SECONDS": 60.0}
    measured = Measured()
    probed(measured, 2, ago=59)
    assert measured.holds("HealthCheckFailing") == ["true"]


@pytest.mark.parametrize(
    ("rule", "kind"), [("DatabaseDown", "database"), ("CacheDown", "cache")]
)
def test_a_dependency_is_down_and_the_others_are_not(measured, rule, kind):
    for check, value in ((kind, 0), ("disk", 0)):
        measured.gauge(
            "spotter.health_check.up", value, {"check": check, "kind": check}
        )
    assert [r.labels for r in measured.readings(rule)] == [{"check": kind}]
    assert measured.holds(rule) == ["true"]


def test_a_database_that_one_of_two_watchers_reaches_is_not_down(measured):
    """They write in turns: the last word alone would fire and resolve for ever."""
    for watcher, value, ago in (("a", 1, 5), ("b", 0, 0)):
        labels = {"check": "database", "kind": "database", "watcher": watcher}
        measured.gauge("spotter.health_check.up", value, labels, ago)
    assert measured.holds("DatabaseDown") == ["false"]


@pytest.mark.parametrize(
    ("days", "expected"), [(13.9, "true"), (14, "false"), (14.1, "false")]
)
def test_a_certificate_has_two_weeks(measured, days, expected):
    measured.gauge("spotter.probe.tls.expiry", days * DAY, {"probe": "health"})
    assert measured.holds("CertificateExpiring") == [expected]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(599, "false"), (600, "false"), (601, "true")]
)
def test_a_task_may_wait_ten_minutes(measured, seconds, expected):
    measured.gauge("spotter.task.queue.oldest", seconds, {"queue": "default"})
    assert measured.holds("TaskQueueStuck") == [expected]


# Monitoring itself.


def alive(measured, pid="1"):
    measured.gauge(
        "process.memory.usage", 1, {"host.name": "web", "process.pid": str(pid)}
    )


def test_nobody_who_ever_measured_is_no_news(measured):
    assert measured.readings("MonitoringNoData") == []


def test_processes_that_fell_silent_are_told_after_five_minutes(measured):
    alive(measured)
    assert measured.holds("MonitoringNoData") == ["false"]
    measured.now += 300
    assert measured.holds("MonitoringNoData") == ["false"]
    measured.now += 1
    assert measured.holds("MonitoringNoData") == ["true"]


def test_a_dead_service_is_told_for_as_long_as_it_is_dead(measured):
    alive(measured)
    watch = Watch(measured, measured.rules["MonitoringNoData"])
    watch.look()
    for _ in range(40):
        measured.now += 900
        fires = watch.look()
    assert fires == {"MonitoringNoData"}
    alive(measured)
    assert watch.look() == set()


def test_the_watchers_own_measurements_are_no_sign_of_life(measured):
    alive(measured)
    measured.readings("MonitoringNoData")
    measured.now += 301
    me = {"host.name": socket.gethostname(), "process.pid": str(os.getpid())}
    measured.gauge("process.memory.usage", 1, me)
    assert measured.holds("MonitoringNoData") == ["true"]


def test_a_watcher_that_stands_by_elsewhere_is_no_sign_of_life(measured):
    alive(measured)
    measured.readings("MonitoringNoData")
    measured.now += 301
    other = {"host.name": "other", "process.pid": "7"}
    measured.gauge("process.memory.usage", 1, other)
    measured.gauge("spotter.watcher.leading", 0, other)
    assert measured.holds("MonitoringNoData") == ["true"]


def test_a_store_that_cannot_be_read_is_silence_too(measured, monkeypatch):
    def locked(query):
        raise StoreError("it is locked")

    alive(measured)
    measured.readings("MonitoringNoData")
    monkeypatch.setattr(measured, "total", locked)
    measured.now += 301
    assert measured.holds("MonitoringNoData") == ["true"]


def test_a_clock_that_was_set_back_does_not_put_off_the_alarm(measured):
    alive(measured)
    measured.readings("MonitoringNoData")
    measured.now -= HOUR
    measured.readings("MonitoringNoData")
    measured.now += 301
    assert measured.holds("MonitoringNoData") == ["true"]


def deliver(measured, state, attempts, error="", ago=0.0):
    with measured.book.writing() as page:
        key = f"k{measured.now}{state}{attempts}{ago}"
        page.decide(key, 1, "chat", "trigger", state="pending", now=measured.now - ago, reason="")  # fmt: skip
        page.run(
            "UPDATE spotter_outbox SET state = ?, attempts = ?, error = ?, done_at = ? WHERE key = ?",
            (state, attempts, error, None if state == "pending" else measured.now - ago, key),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        (FAILING_TRIES - 1, "false"),
        (FAILING_TRIES, "true"),
        (FAILING_TRIES + 1, "true"),
    ],
)
def test_a_channel_fails_from_the_third_vain_try_on(measured, tries, expected):
    deliver(measured, "pending", tries, "503")
    assert measured.holds("NotificationChannelFailing") == [expected]


def test_a_channel_that_refuses_for_good_fails_at_once_and_until_it_takes_another(
    measured,
):
    """A revoked key is refused once and never tried again."""
    deliver(measured, "failed", 1, "403", ago=HOUR)
    assert measured.holds("NotificationChannelFailing") == ["true"]
    deliver(measured, "sent", 1)
    assert measured.holds("NotificationChannelFailing") == ["false"]


def test_a_refusal_of_yesterday_is_past(measured):
    deliver(measured, "failed", 1, "403", ago=REFUSED_SECONDS)
    assert measured.holds("NotificationChannelFailing") == ["false"]


def test_the_first_lost_line_is_told_and_no_loss_is_not(measured):
    measured.count("spotter.logs.lost", 0, {"file": "api.log"})
    assert measured.holds("LogLinesDropped") == ["false"]
    measured.count("spotter.logs.lost", 1, {"file": "api.log"})
    assert measured.holds("LogLinesDropped") == ["true"]


# Statements.


def usual_week(measured, seconds=0.1):
    for day in range(1, 7):
        measured.statement(40, seconds, ago=day * DAY)


@pytest.mark.parametrize(
    ("seconds", "calls", "expected"),
    [
        pytest.param(0.29, 20, ["false"], id="below three times"),
        pytest.param(0.3, 20, ["false"], id="three times"),
        pytest.param(0.32, 20, ["true"], id="above three times"),
        pytest.param(0.32, 19, [], id="too few calls"),
    ],
)
def test_a_statement_that_got_slower(measured, seconds, calls, expected):
    usual_week(measured)
    measured.statement(calls, seconds)
    assert measured.holds("SlowQueryRegression") == expected


def test_a_statement_that_waited_once_for_a_lock_is_no_regression(measured):
    usual_week(measured)
    measured.statement(30, 0.1)
    measured.statement(1, 30.0)
    assert measured.holds("SlowQueryRegression") == ["false"]


def test_a_statement_that_is_new_has_nothing_to_be_compared_with(measured):
    measured.statement(99, 0.01, ago=DAY)
    measured.statement(50, 1.0)
    assert measured.readings("SlowQueryRegression") == []


def test_a_statement_that_was_mended_is_seen_to_be(measured):
    usual_week(measured)
    measured.statement(30, 1.0)
    watch = Watch(measured, measured.rules["SlowQueryRegression"])
    assert watch.look() == {"SlowQueryRegression"}
    measured.now += HOUR + 30
    measured.statement(30, 0.001)
    assert watch.look() == set()


# Releases.


def released(measured, *, ago=600.0, before=100):
    measured.requests(before, ago=ago + 1200)
    measured.release("v2", "v1", ago=ago)


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        pytest.param(100, 0, "false", id="as before"),
        pytest.param(98, 2, "false", id="two errors are too few"),
        pytest.param(96, 4, "false", id="what may be chance"),
        pytest.param(85, 15, "true", id="what is no chance"),
        pytest.param(4, 15, "unknown", id="19 requests are too few"),
        pytest.param(5, 15, "true", id="20 are enough"),
    ],
)
def test_a_route_that_fails_since_a_release(measured, good, bad, expected):
    released(measured)
    measured.requests(good, ago=300)
    measured.requests(bad, "500", ago=300)
    assert measured.holds("DeployMadeItWorse") == [expected]


def test_a_route_that_failed_before_as_well_is_not_made_worse(measured):
    released(measured)
    measured.requests(50, "500", ago=1800)
    measured.requests(100, ago=300)
    measured.requests(45, "500", ago=300)
    assert measured.holds("DeployMadeItWorse") == ["false"]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.25, "false"), (0.29, "false"), (0.4, "true")]
)
def test_a_route_that_is_slow_since_a_release(measured, seconds, expected):
    measured.requests(100, ago=1800, seconds=0.1)
    measured.release("v2", "v1", ago=600)
    measured.requests(50, ago=300, seconds=seconds)
    assert measured.holds("DeployMadeItWorse") == [expected]


def test_one_request_that_hung_does_not_make_a_release_slow(measured):
    released(measured)
    measured.requests(40, ago=300)
    measured.requests(1, ago=300, seconds=30)
    assert measured.holds("DeployMadeItWorse") == ["false"]


def test_the_first_minute_of_a_release_is_warming_up(measured):
    released(measured, ago=120)
    measured.requests(50, "500", ago=100)
    measured.requests(50, ago=20)
    assert measured.holds("DeployMadeItWorse") == ["false"]


def test_a_release_at_night_is_compared_with_the_day_before(measured):
    measured.requests(500, ago=10 * HOUR)
    measured.release("v2", "v1", ago=600)
    measured.requests(30, "500", ago=300)
    assert measured.holds("DeployMadeItWorse") == ["true"]


def test_a_release_soon_after_a_bad_one_is_not_compared_with_the_bad_one(measured):
    measured.requests(200, ago=1800)
    measured.release("v2", "v1", ago=1200)
    measured.requests(200, "500", ago=900)
    measured.release("v3", "v2", ago=600)
    measured.requests(50, "500", ago=300)
    (reading,) = measured.readings("DeployMadeItWorse")
    assert reading.note == "Since v3: 100 % of /a/ fail, before 0 %"


def test_a_bad_release_that_is_rolled_back_is_well_again(measured):
    measured.requests(200, ago=1800)
    measured.release("v2", "v1", ago=1200)
    measured.requests(200, "500", ago=900)
    measured.release("v1", "v2", ago=600)
    measured.requests(50, ago=300)
    assert measured.holds("DeployMadeItWorse", is_firing=True) == ["false"]


@pytest.mark.parametrize(
    ("apart", "baseline"),
    [(TOGETHER_SECONDS, "v2 too"), (TOGETHER_SECONDS + 20, "v3 alone")],
)
def test_releases_within_half_an_hour_are_one(measured, apart, baseline):
    measured.requests(200, ago=600 + apart + 300)
    measured.release("v2", "v1", ago=600 + apart)
    measured.requests(200, "500", ago=600 + apart - 100)
    measured.release("v3", "v2", ago=600)
    measured.requests(50, "500", ago=300)
    expected = "true" if baseline == "v2 too" else "false"
    assert measured.holds("DeployMadeItWorse") == [expected]


def test_a_new_route_has_no_before_and_is_told_when_half_of_it_fails(measured):
    released(measured)
    measured.requests(40, ago=300)
    measured.requests(11, ago=300, route="/new/")
    measured.requests(10, "500", ago=300, route="/new/")
    assert measured.holds("DeployMadeItWorse") == ["false", "false"]
    measured.requests(1, "500", ago=300, route="/new/")
    assert sorted(measured.holds("DeployMadeItWorse")) == ["false", "true"]


def test_a_route_that_a_release_took_away_is_not_spoken_of(measured):
    released(measured)
    assert measured.readings("DeployMadeItWorse") == []


def test_the_first_release_of_all_is_compared_with_nothing(measured):
    measured.requests(100, ago=1800)
    measured.release("v1", "", ago=600)
    measured.requests(50, "500", ago=300)
    assert measured.readings("DeployMadeItWorse") == []


def test_what_a_release_made_worse_is_told_until_it_is_mended(measured):
    """Half an hour after the release it neither begins any more nor ends by itself."""
    released(measured)
    watch = Watch(measured, measured.rules["DeployMadeItWorse"])
    measured.requests(50, "500", ago=300)
    assert watch.look() == {"DeployMadeItWorse"}
    measured.now += 2 * SUSPECT_SECONDS
    measured.requests(50, "500", ago=300)
    assert watch.look() == {"DeployMadeItWorse"}
    assert Watch(measured, measured.rules["DeployMadeItWorse"]).look() == set()
    measured.now += SUSPECT_SECONDS
    measured.requests(200, ago=300)
    assert watch.look() == set()


def test_what_a_release_made_worse_is_not_mended_because_nobody_asks(measured):
    released(measured)
    watch = Watch(measured, measured.rules["DeployMadeItWorse"])
    measured.requests(50, "500", ago=300)
    watch.look()
    measured.now += 2 * SUSPECT_SECONDS
    measured.requests(19, ago=300)
    assert watch.look() == {"DeployMadeItWorse"}
    measured.now += 60
    measured.requests(1, ago=300)
    assert watch.look() == set()


# What they stand on.


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param((0, 0, 0, 0), False, id="nothing is no rise"),
        pytest.param((1, 20, 1, 20), False, id="the same share"),
        pytest.param((1, 1, 0, 100), False, id="one of one may be chance"),
        pytest.param((20, 20, 0, 100), True, id="all of many is none"),
        pytest.param((20, 20, 20, 20), False, id="nor are all, if it was all before"),
        pytest.param((10, 1000, 10, 10_000), True, id="ten times as much of many"),
    ],
)
def test_a_share_has_risen_when_chance_does_not_explain_it(given, expected):
    assert has_risen(*given) is expected


def test_a_warning_never_explains_a_page_away(measured):
    """A disk that has been rather full for weeks must not silence the error rate."""
    for rule in measured.rules.values():
        for cause in rule.because_of:
            assert measured.rules[cause].severity.rank >= rule.severity.rank


def test_a_wrong_placeholder_is_no_reason_not_to_tell(measured):
    wrong = Rule(name="Wrong", expression=measured.rules["HighCPU"].expression, summary="{vlaue}")  # fmt: skip
    measured.gauge("system.cpu.utilization", 0.9, {"host.name": "a"})
    (reading,) = wrong.expression.read(measured, measured.now)
    assert wrong.says(reading) == "{vlaue} (0.9)"
    assert wrong.judge(reading, is_firing=False) is Truth.TRUE
