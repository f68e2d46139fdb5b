"""A watcher's life: what fails, hangs, fills up or is deleted under it."""

from __future__ import annotations

import dataclasses
import logging
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest

from spotter.alerts import naming
from spotter.alerts import watcher as watchers
from spotter.alerts.errands import Errands
from spotter.alerts.expressions import Computed, Gauge
from spotter.alerts.sources import REMEMBER_SECONDS, Source
from spotter.alerts.systemd import tell_systemd
from spotter.alerts.watcher import FAILED_CYCLES, LEAD_SECONDS, beat
from spotter.entries import Batch, Series
from spotter.probes import Monitor
from spotter.stores.contract import ConnectionLostError, Query, StoreError
from tests.alerts.test_watcher import Scene
from tests.servers.processes import wait_until


@pytest.fixture
def scene(tmp_path, settings, monkeypatch):
    monkeypatch.setattr("spotter.stores.sqlite.BUSY_SECONDS", 0.05)
    monkeypatch.setattr("spotter.alerts.watcher.check_health", lambda: None)
    monkeypatch.setattr("spotter.alerts.watcher.read_queues", lambda: None)
    return Scene(tmp_path, settings)


# The heartbeat.


@pytest.fixture
def beats(scene, monkeypatch):
    """How often the outside was told."""
    told: list[float] = []
    monkeypatch.setattr(watchers, "beat", lambda: told.append(time.monotonic()))
    return told


def test_the_heartbeat_follows_an_evaluation_once_a_minute(scene, beats):
    watcher = scene.watcher()
    for _ in range(13):
        scene.tick(watcher)
    wait_until(lambda: len(beats) == 2, 10, "two beats")


def test_the_heartbeat_is_sent_without_the_store(scene, beats):
    watcher = scene.watcher()
    scene.take_store_away()
    scene.tick(watcher)
    assert watcher.is_on_spare
    wait_until(lambda: len(beats) == 1, 10, "a beat")
    scene.bring_store_back()


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/{}", "ftp://x/{}"])
def test_no_log_line_has_the_heartbeats_address(settings, caplog, address):
    caplog.set_level(logging.DEBUG)
    settings.SPOTTER = {"HEARTBEAT_URL": address.format("ping-0b5c2a61")}
    beat()
    assert "ping-0b5c2a61" not in caplog.text
    assert "the heartbeat's address does not answer" in caplog.text


def test_who_cannot_evaluate_sends_no_heartbeat(scene, beats, monkeypatch):
    watcher = scene.watcher()
    monkeypatch.setattr(watcher.engine, "evaluate", refuse)
    for _ in range(3):
        with pytest.raises(ValueError, match="evaluation"):
            scene.tick(watcher)
    assert beats == []


def refuse(*given):
    raise ValueError("evaluation fails")


def test_a_leader_that_cannot_evaluate_makes_room_for_who_can(scene, monkeypatch):
    first, second = scene.watcher(), scene.watcher()
    scene.tick(first)
    monkeypatch.setattr(first.engine, "evaluate", refuse)
    first._failures = FAILED_CYCLES - 1
    first._stand_aside_if_failing()
    assert first.is_leading
    first._failures = FAILED_CYCLES
    first._stand_aside_if_failing()
    scene.value = 1.0
    scene.tick(second)
    assert scene.chat.kinds_sent == ["trigger"]
    scene.tick(first)
    assert not first.is_leading


# Of several.


def test_who_stands_by_does_not_sleep_when_nobody_leads(scene, monkeypatch):
    monkeypatch.setattr(watchers, "LOOK_SECONDS", 0.01)
    first, second = scene.watcher(), scene.watcher()
    scene.tick(first)
    scene.tick(second, 0)
    assert not second._is_vacant()
    scene.hands.pass_(LEAD_SECONDS)
    assert second._is_vacant()
    second._rest(3600)  # comes back at once


def test_another_speaks_within_fifteen_seconds():
    probes = 1.5
    later = watchers.LOOK_SECONDS + probes + watchers.DELIVER_SECONDS
    assert LEAD_SECONDS + later <= 15


def test_one_that_was_killed_here_is_not_waited_for(scene):
    ended = subprocess.Popen(["true"])
    ended.wait()
    watcher = scene.watcher()
    name = f"{naming.here()}-{ended.pid}-abcdef"
    with watcher.book.writing() as page:
        assert page.lead(name, scene.hands.wall, LEAD_SECONDS)
    assert watcher._is_vacant()
    scene.tick(watcher, 0)
    assert watcher.is_leading


@pytest.mark.parametrize(
    "name", ["elsewhere-1-99999999-abcdef", "odd-name-x-y", "a-b-c", "a", ""]
)
def test_one_of_elsewhere_may_be_alive(name):
    assert not naming.is_dead(name)


def test_one_that_was_stopped_in_the_middle_writes_nothing(scene):
    first, second = scene.watcher(), scene.watcher()
    scene.tick(first)
    # It is stopped here, and goes on when somebody else has led for a while.
    scene.tick(second, LEAD_SECONDS)
    scene.value = 1.0
    first._judge(scene.hands.wall)
    assert not first.is_leading
    with first.book.reading() as page:
        assert page.incidents() == []


@pytest.mark.parametrize("is_another", [False, True])
def test_one_that_was_put_out_in_the_middle_does_not_take_the_store_for_gone(
    scene, monkeypatch, is_another
):
    watcher = scene.watcher()
    scene.tick(watcher)
    judge = watcher._judge
    failed: list[float] = []

    def put_out_once(now):
        if failed:
            return judge(now)
        failed.append(now)
        if is_another:
            with watcher.book.writing() as page:
                page.resign(watcher.name)
                page.lead("another", now, LEAD_SECONDS)
        raise ConnectionLostError("the session was ended")

    monkeypatch.setattr(watcher, "_judge", put_out_once)
    scene.value = 1.0
    scene.tick(watcher)
    assert (watcher.is_on_spare, watcher.is_leading) == (False, not is_another)
    scene.tick(watcher)
    assert scene.chat.kinds_sent == ([] if is_another else ["trigger"])


# The store.


def test_a_store_that_is_deleted_while_it_fires_loses_nobody(scene):
    watcher = scene.watcher()
    scene.value = 1.0
    scene.tick(watcher)
    scene.tick(watcher, 10)
    for path in scene.folder.glob("spotter.db*"):
        path.unlink()
    scene.tick(watcher)
    scene.value = 0.0
    scene.tick(watcher)
    assert scene.chat.kinds_sent == ["trigger", "resolve"]
    with watcher.book.reading() as page:
        assert [incident.state for incident in page.incidents()] == ["resolved"]


def test_a_store_that_is_deleted_before_it_was_copied_is_told_twice(scene):
    watcher = scene.watcher()
    scene.tick(watcher)
    scene.value = 1.0
    scene.tick(watcher, 1)
    assert scene.chat.kinds_sent == ["trigger"]
    for path in scene.folder.glob("spotter.db*"):
        path.unlink()
    scene.tick(watcher, 1)
    scene.value = 0.0
    scene.tick(watcher)
    assert scene.chat.kinds_sent == ["trigger", "trigger", "resolve"]
    assert len({notice.dedup_key for notice in scene.chat.sent}) == 1


def test_a_store_that_is_damaged_while_it_fires_loses_nobody(scene):
    watcher = scene.watcher()
    scene.value = 1.0
    scene.tick(watcher)
    scene.tick(watcher, 10)
    watcher.book.store.close()
    for path in scene.folder.glob("spotter.db*"):
        path.write_bytes(b"no database" * 1000)
    for _ in range(3):
        scene.tick(watcher)
    scene.value = 0.0
    scene.tick(watcher)
    assert scene.chat.kinds_sent == ["trigger", "resolve"]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte, where this user may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "spotter-test", str(place)]
    if (
        os.getuid()
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("this user may mount nothing")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def fill(disk: pathlib.Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        for size in (65536, 1024, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue


def make_read_only(disk: pathlib.Path) -> None:
    # Busy as long as somebody has a file open for writing.
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=False)


@pytest.fixture
def on_disk(small_disk, settings, monkeypatch):
    monkeypatch.setattr("spotter.alerts.watcher.check_health", lambda: None)
    monkeypatch.setattr("spotter.alerts.watcher.read_queues", lambda: None)
    return Scene(small_disk, settings)


@pytest.mark.parametrize("is_firing", [False, True])
def test_a_full_disk_under_store_and_spare_book_loses_nobody(on_disk, is_firing):
    scene, watcher = on_disk, on_disk.watcher()
    scene.value = float(is_firing)
    scene.tick(watcher)
    scene.tick(watcher, 10)
    fill(scene.folder)
    scene.value = 1.0
    for _ in range(3):
        scene.tick(watcher)
    scene.value = 0.0
    for _ in range(3):
        scene.tick(watcher)
    assert [n.is_end for n in scene.chat.sent].count(True) == 1
    assert scene.chat.sent[-1].is_end
    assert 1 <= scene.chat.kinds_sent.count("trigger") <= 2
    assert len({notice.dedup_key for notice in scene.chat.sent}) == 1
    (scene.folder / "filler").unlink()
    scene.tick(watcher)
    assert not watcher.is_on_spare


def test_a_store_that_is_read_only_loses_nobody(on_disk):
    scene, watcher = on_disk, on_disk.watcher()
    scene.tick(watcher)
    watcher.book.store.close()
    watcher.spare.book.store.close()
    make_read_only(scene.folder)
    scene.value = 1.0
    for _ in range(2):
        scene.tick(watcher)
    assert watcher.is_on_spare
    scene.value = 0.0
    scene.tick(watcher)
    assert scene.chat.kinds_sent == ["trigger", "resolve"]


# What hangs.


def test_a_store_that_hangs_is_asked_once_and_not_by_each_rule(monkeypatch):
    monkeypatch.setattr("spotter.alerts.sources.HANGING_SECONDS", 0.05)
    asked: list[str] = []

    class Hanging:
        def total(self, query):
            asked.append(query.name)
            time.sleep(0.1)
            raise StoreError("no answer")

    source = Source(lambda: Hanging())  # type: ignore[arg-type,return-value]
    for name in ("a", "b", "c"):
        with pytest.raises(StoreError, match="no answer"):
            source.total(Query(name=name, start=0, end=1))
    assert asked == ["a"]


def test_errands_that_hang_hold_up_no_others():
    errands, over, done = Errands(), threading.Event(), threading.Event()
    for number in range(50):
        assert errands.start(f"hung {number}", over.wait)
    assert not errands.start("hung 0", over.wait)
    assert errands.start("other", done.set)
    assert done.wait(10)
    errands.wait(0.01)
    assert errands.seconds("hung 0") > 0
    over.set()
    errands.wait(10)
    assert errands.seconds("hung 0") == 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Endless(Monitor):
    """A receiver that drips: no time-out of a socket's ends it."""

    over: threading.Event = dataclasses.field(default_factory=threading.Event)

    def check(self) -> float | None:
        self.over.wait(60)
        return None


def test_a_probe_without_an_end_has_failed(scene):
    monitor = Endless(name="drip", timeout_seconds=0.05)
    watcher = scene.watcher()
    watcher.monitors = [monitor]
    watcher._start(monitor.name, monitor.check)
    gauge = Gauge(name="spotter.probe.success", by=("probe",))
    wait_until(lambda: watcher._errands.seconds("drip") > 0.1, 10, "its time")
    from spotter import recording

    recording.listen(watcher.source.remember)
    watcher._tell_of_hung_probes(0.05)
    recording.flush()
    recording.unlisten(watcher.source.remember)
    assert [r.value for r in gauge.read(watcher.source, time.time())] == [0]
    monitor.over.set()


# Memory.


def test_a_week_of_its_own_readings_is_bounded(tmp_path):
    source, sizes = Source(lambda: None), []  # type: ignore[arg-type,return-value]
    started = time.time() - 7 * 86400
    for minute in range(0, 7 * 24 * 60, 5):
        at, batch = started + 60 * minute, Batch()
        for number in range(20):
            series = Series.of("spotter.probe.success", {"probe": number})
            batch.point(series, at).set(1, at)
        source.remember(batch)
        source.forget(at)
        if minute % 1440 == 1435:
            sizes.append(rows(source))
    assert len(sizes) == 7
    assert max(sizes) == sizes[0] <= 20 * (REMEMBER_SECONDS / 300 + 2)


def test_who_stands_by_remembers_no_longer_than_who_leads(scene):
    leading, standing_by = scene.watcher(), scene.watcher()
    scene.tick(leading)
    batch, now = Batch(), time.time()
    batch.point(Series.of("spotter.probe.success", {}), now).set(1, now)
    standing_by.source.remember(batch)
    scene.tick(leading, REMEMBER_SECONDS + 60)
    scene.tick(standing_by, 1.0)
    assert not standing_by.is_leading
    assert rows(standing_by.source) == 0


def rows(source) -> int:
    with source._memory.transaction(write=False) as execute:
        return len(execute("SELECT 1 FROM spotter_points_10"))


# systemd.


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listener


def test_systemd_hears_of_each_whole_cycle_and_of_the_end(systemd, scene):
    watcher = scene.watcher()
    watcher._interval = 0.2
    thread = threading.Thread(target=watcher.run)
    thread.start()
    assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"
    assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"
    watcher.stop()
    thread.join(30)
    told = [systemd.recv(100)]
    while told[-1] != b"STOPPING=1":
        told.append(systemd.recv(100))


def test_a_cycle_that_fails_is_not_told_to_systemd(systemd, scene, monkeypatch):
    watcher = scene.watcher()
    monkeypatch.setattr(watcher, "cycle", refuse)
    monkeypatch.setattr(watcher, "_rest", lambda seconds: watcher.stop())
    watcher.run()
    assert systemd.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("place", ["", "nowhere"])
def test_without_systemd_nobody_is_told(monkeypatch, place):
    monkeypatch.setenv("NOTIFY_SOCKET", place)
    assert not tell_systemd("READY=1")


def test_a_crash_loses_none_of_the_time_that_was_watched(scene):
    scene.value = 1.0
    for _ in range(12):
        # Each lives for six seconds and is killed.
        watcher = scene.watcher(for_=60.0)
        scene.tick(watcher, 0)
        scene.tick(watcher, 6)
        with watcher.book.writing() as page:
            page.resign(watcher.name)
    assert scene.chat.kinds_sent == ["trigger"]


def test_a_rule_that_breaks_is_not_the_end_of_the_others(scene):
    watcher = scene.watcher()
    bad = dataclasses.replace(scene.rule, name="Odd", expression=Computed(refuse))
    watcher.engine.rules["Odd"] = bad
    scene.value = 1.0
    scene.tick(watcher)
    assert scene.chat.kinds_sent == ["trigger"]
