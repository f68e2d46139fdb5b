"""The watcher: whatever is down, it goes on; of several, one speaks."""

from __future__ import annotations

import dataclasses
import sqlite3
import time

import pytest

from spotter import recording
from spotter.alerts.book import Book
from spotter.alerts.clock import Clock
from spotter.alerts.expressions import Computed, Gauge, Reading
from spotter.alerts.heartbeats import Heartbeat
from spotter.alerts.machine import Status
from spotter.alerts.records import Ping
from spotter.alerts.rules import Rule, Severity
from spotter.alerts.shipped import shipped
from spotter.alerts.sources import Source
from spotter.alerts.spare import Spare
from spotter.alerts.watcher import LEAD_SECONDS, Watcher, check_in
from spotter.channels import DeliveryError, Sentry
from spotter.entries import Batch, Series
from spotter.probes.django_tasks import record_queues
from spotter.stores.contract import Query
from spotter.stores.current import get_store
from spotter.stores.sqlite import SqliteStore
from tests.alerts.kit import Recorded
from tests.celery_project.app import make_app
from tests.kept import recorded
from tests.servers.processes import wait_until
from tests.servers.sentry_sink import sentry_sink


class Hands:
    """A wall and a monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.wall, self.steady = time.time(), 50.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


class Scene:
    """Watchers on one store file, with one rule over `value`."""

    def __init__(self, folder, settings) -> None:
        settings.SPOTTER = {
            "STORE": f"sqlite:///{folder / 'spotter.db'}",
            # A thread of this test's must not flush in the middle of another.
            "FLUSH_SECONDS": 3600.0,
        }
        self.folder = folder
        self.hands = Hands()
        self.value: float | None = 0.0
        self.chat = Recorded()
        read = Computed(
            lambda source, now: [Reading(value=self.value, reason="unknown")]
        )
        self.rule = Rule(
            name="Broken", expression=read, severity=Severity.CRITICAL, summary="broken"
        )

    def watcher(self, **rule) -> Watcher:
        clock = Clock(lambda: self.hands.wall, lambda: self.hands.steady)
        return Watcher(
            rules=[dataclasses.replace(self.rule, **rule)],
            channels=[self.chat], monitors=[], clock=clock,
        )  # fmt: skip

    def tick(self, watcher: Watcher, seconds: float = 5.0) -> None:
        self.hands.pass_(seconds)
        watcher.cycle()
        if watcher.is_leading:
            watcher.outbox.deliver(watcher.current(), self.hands.wall)

    def take_store_away(self) -> None:
        """Lock the file against everybody, as a stuck process does."""
        self.thief = sqlite3.connect(self.folder / "spotter.db", isolation_level=None)
        self.thief.execute("BEGIN EXCLUSIVE")

    def bring_store_back(self) -> None:
        self.thief.execute("ROLLBACK")
        self.thief.close()


@pytest.fixture
def scene(tmp_path, settings, monkeypatch):
    monkeypatch.setattr("spotter.stores.sqlite.BUSY_SECONDS", 0.05)
    monkeypatch.setattr("spotter.alerts.watcher.check_health", lambda: None)
    monkeypatch.setattr("spotter.alerts.watcher.read_queues", lambda: None)
    return Scene(tmp_path, settings)


def test_what_fires_while_the_store_is_gone_is_told_and_resolved_when_it_is_back(scene):
    watcher = scene.watcher()
    scene.tick(watcher)
    scene.take_store_away()
    scene.value = 1.0
    scene.tick(watcher)
    assert watcher.is_on_spare
    assert scene.chat.kinds_sent == ["trigger"]
    scene.bring_store_back()
    scene.tick(watcher)
    assert not watcher.is_on_spare
    scene.value = 0.0
    scene.tick(watcher)
    assert scene.chat.kinds_sent == ["trigger", "resolve"]
    with watcher.book.reading() as page:
        assert [incident.state for incident in page.incidents()] == ["resolved"]


def test_what_fired_before_the_store_was_lost_is_resolved_without_it(scene):
    watcher = scene.watcher()
    scene.value = 1.0
    scene.tick(watcher)
    scene.tick(watcher, 10)
    scene.take_store_away()
    scene.value = 0.0
    scene.tick(watcher)
    assert scene.chat.kinds_sent == ["trigger", "resolve"]
    scene.bring_store_back()
    scene.tick(watcher)
    with watcher.book.reading() as page:
        (incident,) = page.incidents()
        assert incident.state == "resolved"
        assert [d.state for d in page.deliveries(incident.id)] == ["sent", "sent"]


def test_a_channel_that_is_shut_stays_so_while_the_store_is_gone(scene):
    scene.chat.failures.append(DeliveryError("answered 404", shut=True))
    watcher = scene.watcher()
    scene.value = 1.0
    scene.tick(watcher)
    scene.tick(watcher, 10)
    scene.take_store_away()
    scene.tick(watcher)
    assert watcher.is_on_spare
    with watcher.current().reading() as page:
        assert list(page.shut_channels()) == ["chat"]
    scene.bring_store_back()


def test_of_two_watchers_one_speaks(scene):
    first, second = scene.watcher(), scene.watcher()
    scene.tick(first)
    scene.tick(second, 0)
    scene.value = 1.0
    scene.tick(first)
    scene.tick(second, 0)
    assert (first.is_leading, second.is_leading) == (True, False)
    assert scene.chat.kinds_sent == ["trigger"]


def test_a_watcher_that_is_gone_is_replaced_within_the_lease(scene):
    first, second = scene.watcher(), scene.watcher()
    scene.value = 1.0
    scene.tick(first)
    scene.tick(second, LEAD_SECONDS - 0.1)
    assert not second.is_leading
    scene.tick(second, 0.1)
    assert second.is_leading
    scene.value = 0.0
    scene.tick(second)
    assert scene.chat.kinds_sent == ["trigger", "resolve"]


def test_a_watcher_that_is_stopped_hands_over_at_once(scene):
    first, second = scene.watcher(), scene.watcher()
    scene.tick(first)
    first.stop()
    first.run()
    scene.tick(second, 0.1)
    assert second.is_leading


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_clock_that_jumps_neither_fires_nor_resolves_nor_delays(scene, jump):
    watcher = scene.watcher(for_=60.0)
    scene.value = 1.0
    for _ in range(4):
        scene.tick(watcher)
    scene.hands.wall += jump
    for _ in range(8):
        scene.tick(watcher)
    assert scene.chat.kinds_sent == []
    for _ in range(3):
        scene.tick(watcher)
    assert scene.chat.kinds_sent == ["trigger"]


def test_a_machine_that_slept_does_not_count_the_sleep(scene):
    watcher = scene.watcher(for_=60.0)
    scene.value = 1.0
    scene.tick(watcher)
    scene.hands.wall += 8 * 3600  # the monotonic clock stands still meanwhile
    scene.tick(watcher)
    assert scene.chat.kinds_sent == []


def test_a_watcher_that_starts_again_does_not_count_its_absence(scene):
    first = scene.watcher(for_=60.0)
    scene.value = 1.0
    scene.tick(first)
    scene.hands.pass_(600)
    second = scene.watcher(for_=60.0)
    scene.tick(second)
    assert scene.chat.kinds_sent == []
    for _ in range(13):
        scene.tick(second)
    assert scene.chat.kinds_sent == ["trigger"]


def test_a_wait_is_no_longer_when_the_clock_was_set_back_between_two_watchers(scene):
    scene.value = 1.0
    first = scene.watcher(for_=60.0)
    scene.tick(first)
    scene.hands.wall -= 3600.0
    second = scene.watcher(for_=60.0)
    scene.tick(second)
    for _ in range(6):
        scene.tick(second, 10)
    assert scene.chat.kinds_sent == ["trigger"]


def test_the_watchers_own_readings_are_remembered_without_the_store(tmp_path):
    source = Source(lambda: SqliteStore(tmp_path))  # a folder is no store
    batch, at = Batch(), time.time()
    series = Series.of("system.memory.utilization", {"host.name": "a"})
    batch.point(series, at).set(0.9, at)
    source.remember(batch)
    gauge = Gauge(name="system.memory.utilization", by=("host.name",))
    assert [reading.value for reading in gauge.read(source, at + 5)] == [0.9]
    assert source.trouble


def test_a_store_that_takes_no_writes_is_not_asked_about_now(tmp_path):
    source = Source(lambda: SqliteStore(tmp_path / "spotter.db"))
    batch, at = Batch(), time.time()
    batch.point(Series.of("spotter.probe.success", {"probe": "health"}), at).set(0, at)
    source.remember(batch)
    gauge = Gauge(name="spotter.probe.success", by=("probe",))
    assert gauge.read(source, at + 5) == []
    source.is_cut_off = True
    assert [reading.value for reading in gauge.read(source, at + 5)] == [0]


def test_a_spare_book_that_is_not_needed_is_not_written_again(scene, tmp_path):
    book = Book(SqliteStore(tmp_path / "a.db"))
    spare = Spare(tmp_path / "b.db")
    spare.copy(book, 1000.0)
    size = (tmp_path / "b.db").stat().st_mtime_ns
    spare.copy(book, 1010.0)
    assert (tmp_path / "b.db").stat().st_mtime_ns == size


def test_a_query_of_nobody_is_answered_by_the_store(scene):
    watcher = scene.watcher()
    scene.tick(watcher)
    assert watcher.source.total(Query(name="x", start=0, end=1)) == {}


def test_celerys_queues_are_read_beside_djangos(scene, redis):
    app = make_app(redis.url())
    app.send_task("shop.work")
    scene.tick(scene.watcher())
    depth = recorded("spotter.task.queue.depth", "task.system", "queue")
    assert depth["celery", "celery"].last == 1
    app.close()


def test_an_incident_whose_alert_was_overwritten_by_an_older_book_is_ended(scene):
    first, second = scene.watcher(), scene.watcher()
    scene.value = 1.0
    scene.tick(first)
    with first.book.writing() as page:
        (alert,) = page.alerts().values()
        page.save_alert(dataclasses.replace(alert, status=Status(), incident=None), 0)
    scene.value = 0.0
    scene.hands.pass_(LEAD_SECONDS)
    scene.tick(second)
    scene.tick(second)
    assert scene.chat.kinds_sent == ["trigger", "resolve"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listening(Recorded):
    """Hears that the watcher lives."""

    heard: list[str] = dataclasses.field(default_factory=list, compare=False)

    def check_in(self, environment: str) -> None:
        self.heard.append(environment)


@pytest.fixture
def listening(scene):
    scene.chat = Listening()
    scene.tick(scene.watcher())  # somebody leads already, and is gone
    wait_until(lambda: scene.chat.heard == [""], 20, "the check-in of the first")
    scene.chat.heard.clear()
    scene.hands.pass_(LEAD_SECONDS)
    return scene


def test_the_watcher_that_leads_checks_in_once_a_minute(listening):
    watcher = listening.watcher()
    listening.tick(watcher)
    for _ in range(24):
        listening.tick(watcher)
    wait_until(lambda: len(listening.chat.heard) == 3, 20, "three check-ins")


def test_a_watcher_that_stands_by_does_not_check_in(listening):
    first, second = listening.watcher(), listening.watcher()
    listening.tick(first)
    for _ in range(26):
        listening.tick(first, 2.5)
        listening.tick(second, 2.5)
    wait_until(lambda: len(listening.chat.heard) == 3, 20, "the check-ins of the first")
    assert not second.is_leading


def test_sentry_hears_that_the_watcher_lives(listening):
    with sentry_sink() as sink:
        listening.chat = Sentry(dsn=sink.dsn)
        listening.tick(listening.watcher())
        (given,) = sink.wait_for("check_in")
    assert (given["monitor_slug"], given["status"]) == ("spotter-watcher", "ok")


def test_a_check_in_that_is_refused_is_a_line_in_the_log(caplog):
    class Refusing(Recorded):
        def check_in(self, environment):
            raise DeliveryError("answered 403")

    check_in(Refusing(), "production")
    assert "chat took no check-in: answered 403" in caplog.text


def test_what_a_dead_watcher_was_sending_is_sent_when_its_lead_is_over(scene):
    first, second = scene.watcher(), scene.watcher()
    scene.value = 1.0
    scene.hands.pass_(5)
    first.cycle()
    with first.book.writing() as page:
        assert len(page.claim(scene.hands.wall, 60.0, "chat")) == 1
    scene.tick(second, LEAD_SECONDS)
    assert scene.chat.kinds_sent == ["trigger"]


def test_a_queue_that_is_empty_again_is_seen_to_be(scene):
    record_queues({"mail": (2, 700.0)})
    assert recorded("spotter.task.queue.oldest", "queue")["mail"].last == 700
    record_queues({})
    assert recorded("spotter.task.queue.oldest", "queue")["mail"].last == 0
    assert recorded("spotter.task.queue.depth", "queue")["mail"].last == 0


def test_queues_of_one_name_in_two_systems_are_two_alerts(scene):
    for system, oldest in (("django", 5), ("celery", 700)):
        of = {"task.system": system, "queue": "default"}
        recording.gauge("spotter.task.queue.oldest", oldest, of)
    recording.flush()
    (rule,) = [
        r for r in shipped(scene.watcher().current, []) if r.name == "TaskQueueStuck"
    ]
    found = rule.expression.read(Source(get_store), time.time())
    assert {r.labels["task.system"]: r.value for r in found} == {
        "django": 5,
        "celery": 700,
    }


def test_a_job_that_failed_is_not_taken_for_well_while_the_store_is_gone(
    scene, settings
):
    nightly = Heartbeat(name="nightly", every_seconds=9999.0)
    settings.SPOTTER = {**settings.SPOTTER, "HEARTBEATS": [nightly]}
    clock = Clock(lambda: scene.hands.wall, lambda: scene.hands.steady)
    watcher = Watcher(channels=[scene.chat], monitors=[], clock=clock)
    only = watcher.engine.rules["HeartbeatMissing"]
    watcher.engine.rules = {only.name: only}
    with watcher.book.writing() as page:
        page.ping(Ping(name="nightly", kind="failure", at=scene.hands.wall))
    scene.tick(watcher)
    scene.tick(watcher, only.every)
    scene.take_store_away()
    scene.tick(watcher, only.every)
    assert watcher.is_on_spare
    scene.tick(watcher, only.every)
    scene.bring_store_back()
    scene.tick(watcher, only.every)
    scene.tick(watcher, only.every)
    assert scene.chat.kinds_sent == ["trigger"]
