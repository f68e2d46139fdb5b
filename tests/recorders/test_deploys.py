"""A change of release is marked once, whoever starts, restarts and comes back."""

from __future__ import annotations

import itertools
import os
import threading
import time

import pytest

from spotter import recording
from spotter.entries import Batch, Series
from spotter.recorders import deploys
from spotter.recorders.deploys import (
    ALIVE,
    AWAY_SECONDS,
    GONE_SECONDS,
    PATIENCE_SECONDS,
    Herald,
)
from spotter.recording import deploys as marks
from spotter.recording.deploys import Mark, marks_of
from spotter.stores.current import get_store
from tests.kept import kept_store

numbers = itertools.count()


class Fleet:
    """Processes of several hosts that look every ten seconds, in a time of their own."""

    def __init__(self) -> None:
        self.now = time.time() - 3600
        self.running: list[Herald] = []
        self._pids = itertools.count(100)

    def start(self, release: str, host: str = "web-1") -> Herald:
        herald = Herald(release, host, next(self._pids), self.now)
        self.running.append(herald)
        self._look(herald)
        return herald

    def stop(self, herald: Herald, *, killed: bool = False) -> None:
        self.running.remove(herald)
        if not killed:
            self._tell(herald, 0)

    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds // 10)):
            self.now += 10
            for herald in self.running:
                self._look(herald)

    def replace(self, herald: Herald, release: str) -> Herald:
        """As a server does in a rolling restart: the new one first."""
        new = self.start(release, herald.host)
        self.now += 2
        self.stop(herald)
        return new

    def _look(self, herald: Herald) -> None:
        herald.look(self.now)
        self._tell(herald, 1)

    def _tell(self, herald: Herald, value: int) -> None:
        batch = Batch()
        series = Series.of(ALIVE, herald.labels)
        batch.point(series, self.now).set(value, self.now)
        get_store().write(batch)

    @property
    def releases(self) -> list[str]:
        return [each.key for each in reversed(get_store().samples("deploy", limit=99))]


@pytest.fixture(params=["sqlite", "postgresql"])
def fleet(request, settings, tmp_path):
    """In each kind of store that several processes share."""
    made = kept_store(settings, tmp_path)
    store = next(made)
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.create_database(f"deploys{next(numbers)}")
        settings.SPOTTER = {**settings.SPOTTER, "STORE": url}
        store = get_store()
    yield Fleet()
    next(made, None)
    store.close()


def test_a_release_is_marked_once_by_all_workers_of_all_hosts(fleet):
    old = [fleet.start("v1", host) for host in ("web-1", "web-1", "web-2")]
    fleet.wait(60)
    for herald in old:
        fleet.replace(herald, "v2")
    fleet.wait(60)
    assert fleet.releases == ["v1", "v2"]
    assert get_store().samples("deploy", key="v2")[0].body["previous"] == "v1"


def test_a_worker_of_the_old_release_that_restarts_meanwhile_is_no_deploy(fleet):
    old = [fleet.start("v1", host) for host in ("web-1", "web-1", "web-2")]
    fleet.wait(60)
    fleet.replace(old[0], "v2")
    fleet.wait(60)
    fleet.stop(old[1], killed=True)
    again = fleet.start("v1")
    fleet.wait(300)
    for herald in (again, old[2]):
        fleet.replace(herald, "v2")
    fleet.wait(120)
    assert fleet.releases == ["v1", "v2"]


def test_a_canary_beside_which_the_old_release_crashes_and_comes_back_is_one_deploy(
    fleet,
):
    old = fleet.start("v1")
    fleet.start("v2", "canary")
    for _ in range(3):
        fleet.wait(30)
        fleet.stop(old, killed=True)
        fleet.wait(AWAY_SECONDS - GONE_SECONDS)
        old = fleet.start("v1")
    fleet.wait(60)
    assert fleet.releases == ["v1", "v2"]


def test_a_rollback_in_turn_is_marked_once_when_the_new_release_is_gone(fleet):
    two = [fleet.replace(fleet.start("v1"), "v2") for _ in range(2)]
    fleet.wait(30)
    back = fleet.now
    one = [fleet.replace(herald, "v1") for herald in two]
    assert fleet.releases == ["v1", "v2"]
    fleet.wait(60)
    assert fleet.releases == ["v1", "v2", "v1"]
    assert back <= get_store().samples("deploy")[0].at <= back + 10
    for herald in one:
        fleet.replace(herald, "v1")
    fleet.wait(60)
    assert fleet.releases == ["v1", "v2", "v1"]


def test_a_rollback_after_a_crash_of_everything_is_marked_when_that_is_certain(fleet):
    one = fleet.start("v1")
    fleet.wait(30)
    two = fleet.replace(one, "v2")
    fleet.wait(30)
    fleet.stop(two, killed=True)
    fleet.start("v1")
    fleet.wait(GONE_SECONDS)
    assert fleet.releases == ["v1", "v2"]
    fleet.wait(PATIENCE_SECONDS + 10)
    assert fleet.releases == ["v1", "v2", "v1"]


def test_an_old_release_that_comes_back_after_long_is_marked_at_once(fleet):
    one = fleet.start("v1")
    two = fleet.replace(one, "v2")
    fleet.wait(AWAY_SECONDS + 30)
    fleet.start("v1", "blue")
    assert two in fleet.running
    assert fleet.releases == ["v1", "v2", "v1"]


def test_a_release_that_was_announced_and_has_not_started_is_not_taken_back(fleet):
    fleet.start("v1")
    fleet.wait(30)
    marks.write(Mark(at=fleet.now, release="v2"), after=marks.latest())
    fleet.wait(120)
    fleet.start("v1")
    fleet.wait(120)
    assert fleet.releases == ["v1", "v2"]
    fleet.start("v2")
    fleet.wait(60)
    assert fleet.releases == ["v1", "v2"]


def test_ten_releases_in_turn_are_ten_marks_in_their_order(fleet):
    running = [fleet.start("v0"), fleet.start("v0")]
    for number in range(1, 11):
        running = [fleet.replace(herald, f"v{number}") for herald in running]
    assert fleet.releases == [f"v{number}" for number in range(11)]


def test_a_host_whose_clock_is_behind_marks_after_what_it_has_seen(fleet):
    fleet.start("v1")
    Herald("v2", "late", 1, fleet.now - 40).look(fleet.now - 40)
    assert fleet.releases == ["v1", "v2"]


def test_of_many_that_mark_at_the_same_instant_one_does(fleet):
    before = marks.latest()
    barrier, written = threading.Barrier(8), []

    def write(number: int) -> None:
        barrier.wait()
        mark = Mark(at=1000.0 + number, release="v1", host=f"web-{number}")
        written.append(marks.write(mark, after=before))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(written), len(fleet.releases)) == (1, 1)


@pytest.fixture
def serving(kept, monkeypatch):
    """A process that has not served yet."""
    monkeypatch.setattr(deploys, "_pid", 0)
    monkeypatch.setattr(deploys, "_herald", None)
    monkeypatch.setenv("SENTRY_RELEASE", "v1")


def test_a_process_is_of_a_release_from_its_first_request_on(serving, kept):
    recording.count("spotter.workers.started")
    recording.flush()
    assert kept.samples("deploy") == []
    recording.observe("http.server.request.duration", 0.1)
    recording.flush()
    assert [each.key for each in kept.samples("deploy")] == ["v1"]
    deploys.leave()
    recording.flush()
    now = time.time()
    found = recording.latest_readings(ALIVE, deploys.BY, now - 60, now)
    (group, point), = found.items()  # fmt: skip
    assert (group[0], group[2], point.last) == ("v1", str(os.getpid()), 0)


def test_where_no_release_is_known_nothing_is_marked(
    serving, kept, monkeypatch, tmp_path, settings
):
    monkeypatch.delenv("SENTRY_RELEASE")
    settings.BASE_DIR = tmp_path / "a" / "b"
    recording.observe("http.server.request.duration", 0.1)
    recording.flush()
    assert kept.samples("deploy") == []


def test_a_store_that_fails_marks_nothing_and_says_nothing_of_who_lives(
    serving, kept, monkeypatch, tmp_path
):
    kept.close()
    (tmp_path / "spotter.db").unlink(missing_ok=True)
    (tmp_path / "spotter.db").mkdir()
    recording.observe("http.server.request.duration", 0.1)
    assert not recording.flush()
    (tmp_path / "spotter.db").rmdir()
    deploys.look()
    recording.flush()
    assert [each.key for each in kept.samples("deploy")] == ["v1"]


def test_what_is_said_later_of_a_mark_is_added_to_it(kept):
    first = Mark(at=10.0, release="v1")
    marks.write(first, after=None)
    marks.annotate(Mark(at=10.0, release="v1", note="a new checkout"))
    marks.write(Mark(at=20.0, release="v2", previous="v1"), after=first)
    found = marks_of(kept.samples("deploy"))
    assert [(m.release, m.note) for m in found] == [("v1", "a new checkout"), ("v2", "")]  # fmt: skip
