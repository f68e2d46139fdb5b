"""What is captured reaches the store, bounded and off the request."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from decimal import Decimal

import pytest

from spotter import recording
from spotter.entries import Sample
from spotter.recording import buffer
from spotter.recording.bounds import MAX_VALUE, Bounds
from spotter.recording.flusher import interval_seconds
from spotter.recording.measures import MAX_POINTS, Measures
from spotter.rescue import is_ignoring
from spotter.stores.contract import StoreError
from spotter.stores.current import get_store
from tests.kept import recorded


def test_what_is_counted_is_in_the_store_after_a_flush(kept):
    recording.count("bookings.made", {"kind": "trial"}, 2)
    recording.count("bookings.made", {"kind": "trial"})
    assert recorded("bookings.made", "kind")["trial"].sum == 3


def test_a_counter_is_known_before_its_first_event(kept):
    recording.count("bookings.made", amount=0)
    assert recorded("bookings.made")[()].sum == 0


@pytest.mark.parametrize("value", [True, Decimal("1.0"), 1])
def test_whatever_is_a_number_is_kept_as_one(postgres, settings, value):
    settings.SPOTTER = {"STORE": postgres.create_database(f"n{uuid.uuid4().hex[:8]}")}
    recording.gauge("is.open", value)
    recording.count("taken", amount=value)
    recording.observe("length", value)
    recording.summarize("width", value)
    assert recorded("is.open")[()].last == recorded("width")[()].sum == 1.0
    get_store().close()


STORES = ["memory", "sqlite", "postgresql"]


@pytest.fixture(params=STORES)
def any_store(request, settings, tmp_path):
    """A store of each kind, which what is captured is written to."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.create_database(f"n{uuid.uuid4().hex[:8]}")
    else:
        place = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/s.db"}
        url = place[request.param]
    buffer._flusher.stop()
    settings.SPOTTER = {"STORE": url, "FLUSH_SECONDS": 3600.0}
    yield get_store()
    buffer._flusher.stop()
    get_store().close()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_what_is_not_finite_is_left_out_and_counted(any_store, value):
    recording.gauge("depth", value)
    recording.count("taken", amount=value)
    recording.observe("length", value)
    recording.summarize("width", value)
    recording.count("bookings.made")
    assert recorded("bookings.made")[()].sum == 1
    assert [recorded(n) for n in ("depth", "taken", "length", "width")] == [{}] * 4
    assert recorded("spotter.dropped", "reason")["not finite"].sum == 4


def test_a_batch_that_a_database_refuses_holds_up_no_other(any_store, caplog):
    recording.put(TooMany())
    recording.flush()
    recording.count("bookings.made")
    assert recorded("bookings.made")[()].sum == 1
    assert recorded("spotter.dropped", "reason")["not writable"].sum >= 1


class TooMany:
    """Has counted more than any database has digits for."""

    def measure(self, into):
        into.point("bookings.made", {}, time.time()).count = 2**70


def test_what_is_no_number_keeps_nothing_else_from_being_written(kept, caplog):
    recording.gauge("broken", "one")  # type: ignore[arg-type]
    recording.gauge("whole", 1)
    assert recorded("whole")[()].last == 1


def test_an_observation_has_quantiles_and_a_summary_has_none(kept):
    recording.observe("length", 2.0)
    recording.summarize("width", 2.0)
    assert (recorded("length")[()].buckets, recorded("width")[()].buckets) == (
        {8: 1},
        {},
    )


def test_a_gauge_is_its_last_reading(kept):
    recording.gauge("depth", 9)
    recording.gauge("depth", 4)
    point = recorded("depth")[()]
    assert (point.last, point.minimum, point.maximum) == (4, 4, 9)


def test_a_name_has_no_more_label_sets_than_its_bound():
    measures = Measures(Bounds(limit=2))
    for route in ("/a", "/b", "/c", "/d", "/a"):
        measures.point("requests", {"route": route}, 0).add(1)
    sums = {
        series.labels[0][1]: p.sum for (series, _), p in measures.batch.points.items()
    }
    assert sums == {"/a": 2, "/b": 1, "__other__": 2, "requests": 2}


@pytest.mark.parametrize(("names", "dropped"), [(1, 0), (2, 0), (3, 2)])
def test_there_are_no_more_names_than_the_bound(names, dropped):
    measures = Measures(Bounds(names=2))
    for name in [f"user.{number}" for number in range(names)] * 2:
        measures.point(name, {}, 0).add(1)
    sums = {series.name: p.sum for (series, _), p in measures.batch.points.items()}
    told = {"spotter.dropped": dropped} if dropped else {}
    assert sums == {f"user.{number}": 2 for number in range(min(names, 2))} | told


def test_spotters_own_names_need_no_room():
    measures = Measures(Bounds(names=0))
    for name in ("spotter.dropped", "spotter.drill.spotter.dropped"):
        measures.point(name, {}, 0).add(1)
    assert len(measures.batch.points) == 2


@pytest.mark.parametrize(
    ("length", "kept"),
    [
        (MAX_VALUE - 1, MAX_VALUE - 1),
        (MAX_VALUE, MAX_VALUE),
        (MAX_VALUE + 1, MAX_VALUE),
    ],
)
def test_a_labels_value_has_no_more_characters_than_its_bound(length, kept):
    series, _ = Bounds().admit("requests", (("route", "a" * length),))
    assert series is not None
    assert len(series.labels[0][1]) == kept


def test_a_batch_has_no_more_points_than_its_bound(monkeypatch):
    monkeypatch.setattr("spotter.recording.measures.MAX_POINTS", 3)
    assert MAX_POINTS > 3
    measures = Measures(Bounds())
    for number in range(5):
        measures.point("requests", {"route": number}, 0).add(1)
    counted = measures.batch.points[(measure_nowhere(), 0)]
    assert (len(measures.batch.points), counted.sum) == (4, 2)


def measure_nowhere():
    from spotter.recording.measures import NOWHERE

    return NOWHERE


@pytest.mark.parametrize(("room", "missed"), [(2, 1), (3, 0), (4, 0)])
def test_what_finds_no_room_is_dropped_and_counted(kept, monkeypatch, room, missed):
    monkeypatch.setattr(buffer, "MAX_ITEMS", room)
    for _ in range(3):
        recording.count("bookings.made")
    assert recorded("bookings.made")[()].sum == 3 - missed
    dropped = recorded("spotter.dropped", "reason")
    assert {reason: p.sum for reason, p in dropped.items()} == (
        {"buffer full": missed} if missed else {}
    )


@pytest.mark.parametrize(("series", "batches"), [(9, 1), (10, 1), (11, 2), (25, 3)])
def test_a_large_batch_is_written_before_its_time(kept, monkeypatch, series, batches):
    monkeypatch.setattr("spotter.recording.flusher.LARGE", 10)
    written = []
    write = kept.write

    def watched(batch):
        written.append(batch)
        return write(batch)

    monkeypatch.setattr(kept, "write", watched)
    for number in range(series):
        recording.count("bookings.made", {"kind": number})
    recording.flush()
    assert len(written) == batches
    assert len(recorded("bookings.made", "kind")) == series


class FailingStore:
    """Refuses what it is given until it is mended."""

    def __init__(self, store):
        self.store = store
        self.is_mended = False

    def write(self, batch):
        if not self.is_mended:
            raise StoreError("no room on the disk")
        return self.store.write(batch)


@pytest.fixture
def failing(kept, monkeypatch):
    store = FailingStore(kept)
    monkeypatch.setattr("spotter.recording.flusher.get_store", lambda: store)
    return store


def test_what_the_store_refuses_is_written_when_it_can_be(failing):
    for _ in range(3):
        recording.count("bookings.made")
        assert recording.flush() is False
    failing.is_mended = True
    assert recorded("bookings.made")[()].sum == 3


def test_only_so_much_is_kept_for_a_store_that_fails(failing, monkeypatch):
    monkeypatch.setattr("spotter.recording.flusher.MAX_PENDING", 2)
    for _ in range(4):
        recording.count("bookings.made")
        recording.flush()
    failing.is_mended = True
    # The batch that tells of what was dropped takes a place too.
    assert recorded("bookings.made")[()].sum == 1
    assert recorded("spotter.dropped", "reason")["store unavailable"].sum >= 2


def test_a_failing_store_is_spoken_of_once(failing, caplog):
    for _ in range(3):
        recording.count("bookings.made")
        recording.flush()
    assert caplog.text.count("no room on the disk") == 1


def test_what_can_never_be_written_is_given_up_and_counted(kept, caplog):
    recording.put(Example("\ud800"))
    recording.count("bookings.made")
    recording.flush()
    assert "could not write what was measured" in caplog.text
    recording.count("bookings.cancelled")
    assert recorded("bookings.cancelled")[()].sum == 1
    assert recorded("bookings.made") == {}
    assert recorded("spotter.dropped", "reason")["not writable"].sum >= 1


class Example:
    """Leaves an example with a text that no JSON can have."""

    def __init__(self, text):
        self.text = text

    def measure(self, into):
        body = {"text": self.text}
        into.sample(Sample(kind="request", key="/", at=1.0, weight=1.0, body=body))


def test_the_thread_outlives_what_goes_wrong_while_it_adds_up(
    kept, monkeypatch, settings
):
    add_up, failed = buffer._flusher._add_up, threading.Event()

    def fail():
        failed.set()
        raise LookupError("nobody knows")

    monkeypatch.setattr(buffer._flusher, "_add_up", fail)
    for _ in range(buffer.WAKE_AT + 1):
        recording.count("bookings.made")
    assert failed.wait(20)
    monkeypatch.setattr(buffer._flusher, "_add_up", add_up)
    assert recorded("bookings.made")[()].sum == buffer.WAKE_AT + 1
    thread = buffer._flusher._thread
    assert thread is not None
    assert thread.is_alive()


@pytest.mark.parametrize("given", [0, -5, "5", float("inf"), None])
def test_an_interval_that_is_none_is_the_default(settings, given):
    settings.SPOTTER = {"FLUSH_SECONDS": given}
    assert interval_seconds() == 5.0


def test_without_readable_settings_it_is_the_default_too(settings):
    settings.SPOTTER = "no dict"
    assert interval_seconds() == 5.0


def test_a_flush_that_hangs_holds_up_no_request(kept, monkeypatch, settings):
    settings.SPOTTER = {**settings.SPOTTER, "FLUSH_SECONDS": 0.01}
    store = get_store()  # of the settings as they are now
    is_writing, may_end, write = threading.Event(), threading.Event(), store.write

    def hang(batch):
        is_writing.set()
        may_end.wait(60)
        return write(batch)

    monkeypatch.setattr(store, "write", hang)
    recording.count("bookings.made")
    assert is_writing.wait(20)
    more = 3 * buffer.WAKE_AT
    request = threading.Thread(target=count, args=(more,), daemon=True)
    request.start()
    request.join(20)
    has_ended = not request.is_alive()
    may_end.set()
    assert has_ended
    assert recorded("bookings.made")[()].sum == 1 + more


def count(times: int) -> None:
    for _ in range(times):
        recording.count("bookings.made")


class Broken:
    """Fails when it is added up."""

    def measure(self, into):
        raise LookupError("no such label")


def test_an_item_that_fails_costs_no_other(kept, caplog):
    recording.put(Broken())
    recording.count("bookings.made")
    assert recorded("bookings.made")[()].sum == 1
    assert "could not add up what was captured" in caplog.text


def test_nothing_that_flushing_does_is_recorded(kept):
    seen = []

    class Watching:
        def measure(self, into):
            seen.append(is_ignoring())

    recording.put(Watching())
    recording.flush()
    assert seen == [True]


def test_a_sampler_is_read_once_however_often_it_is_added(kept, settings):
    settings.SPOTTER = {**settings.SPOTTER, "FLUSH_SECONDS": 0.01}
    read = threading.Event()
    calls = []

    def take():
        calls.append(1)
        read.set()

    recording.sampler(take, every_seconds=3600)
    recording.sampler(take, every_seconds=3600)
    recording.count("bookings.made")
    assert read.wait(10)
    recording.flush()
    assert len(calls) == 1
    buffer._flusher._samplers.clear()


def test_a_forked_child_writes_its_own_and_not_its_parents(kept):
    recording.count("bookings.made")
    child = os.fork()
    if child == 0:
        recording.count("bookings.made", {}, 10)
        recording.flush()
        os._exit(0)
    os.waitpid(child, 0)
    assert recorded("bookings.made")[()].sum == 11


def test_a_project_under_test_records_nothing_unasked(settings, tmp_path):
    buffer._flusher.stop()  # what earlier tests left behind
    settings.SPOTTER = {}
    settings.BASE_DIR = tmp_path
    recording.count("bookings.made")
    recording.flush()
    assert list(tmp_path.iterdir()) == []


PROGRAM = """
import django
from django.conf import settings
settings.configure(SPOTTER={{"STORE": "sqlite:///{path}", "FLUSH_SECONDS": {seconds}}})
django.setup()
from spotter import recording
recording.count("bookings.made")
{rest}
"""


@pytest.mark.parametrize(
    ("seconds", "rest"),
    [(3600, ""), (0.05, "import time, os; time.sleep(1.5); os._exit(0)")],
    ids=["at its end", "in time"],
)
def test_a_process_writes(kept, tmp_path, seconds, rest):
    program = PROGRAM.format(path=tmp_path / "spotter.db", seconds=seconds, rest=rest)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert recorded("bookings.made")[()].sum == 1


def test_a_thread_that_is_stopped_ends_and_the_next_measurement_starts_another(kept):
    recording.count("bookings.made")
    thread = buffer._flusher._thread
    assert thread is not None
    assert thread.is_alive()
    buffer._flusher.stop()
    assert not thread.is_alive()
    recording.flush()
    assert recorded("bookings.made") == {}  # What waited is gone with it.
    recording.count("bookings.made")
    another = buffer._flusher._thread
    assert another is not None
    assert another.is_alive()
    assert recorded("bookings.made")[()].sum == 1
