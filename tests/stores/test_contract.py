"""What every store promises, run against each of them."""

from __future__ import annotations

import zlib
from typing import Any

import orjson
import pytest

from spotter.entries import Batch, Sample, Series
from spotter.stores.contract import DAY, HOUR, MINUTE, Query, RefusedError, keep_of
from tests.stores.conftest import NOW

REQUESTS = "http.server.request.duration"


def batch(*values: float, at: float = NOW, route: str = "/a") -> Batch:
    made = Batch()
    for value in values:
        made.point(Series.of(REQUESTS, {"http.route": route}), at).observe(value)
    return made


def ask(start: float = NOW - HOUR, end: float = NOW + HOUR, **fields) -> Query:
    return Query(name=REQUESTS, start=start, end=end, **fields)


def test_what_was_written_is_read_back(store):
    store.write(batch(0.5, 1.5))
    (points,) = store.range(ask()).values()
    assert [(at, p.count, p.sum) for at, p in points.items()] == [(NOW, 2, 2.0)]


def test_nothing_written_reads_as_nothing(store):
    assert store.range(ask()) == {}


def test_batches_of_one_window_add_up(store):
    for _ in range(3):
        store.write(batch(0.5, 1.5))
    assert store.total(ask())[()].count == 6


def test_a_batch_written_twice_counts_once(store):
    one = batch(1.0)
    assert (store.write(one), store.write(one)) == (True, False)
    assert store.total(ask())[()].count == 1


def test_groups_are_kept_apart_and_others_added_up(store):
    store.write(batch(1.0, 1.0, route="/a"))
    store.write(batch(5.0, route="/b"))
    by_route = store.total(ask(by=("http.route",)))
    assert {group: p.count for group, p in by_route.items()} == {("/a",): 2, ("/b",): 1}
    assert store.total(ask())[()].count == 3


def test_who_writes_may_read_meanwhile(store):
    store.write(batch(1.0))
    with store.transaction(write=True) as execute:
        execute("DELETE FROM spotter_batches")
        assert store.total(ask())[()].count == 1
    assert store.written_at() is None


def test_only_series_with_the_wanted_labels_are_read(store):
    store.write(batch(1.0, route="/a"))
    store.write(batch(1.0, route="/b"))
    assert store.total(ask(where={"http.route": "/b"}))[()].count == 1


def test_a_range_begins_with_its_start_and_ends_before_its_end(store):
    for at in (NOW - 10, NOW, NOW + 10):
        store.write(batch(1.0, at=at))
    (points,) = store.range(ask(NOW, NOW + 10)).values()
    assert list(points) == [NOW]


def test_top_ranks_by_total_time(store):
    store.write(batch(*[0.1] * 30, route="/often"))
    store.write(batch(1.0, route="/slow"))
    top = store.top(ask(by=("http.route",)), limit=1)
    assert [group for group, _ in top] == [("/often",)]


def test_a_quantile_is_taken_over_all_batches(store):
    store.write(batch(*[0.1] * 95))
    store.write(batch(*[4.0] * 5))
    assert store.quantile(ask(), 0.95)[()] <= 0.11
    assert store.quantile(ask(), 0.96)[()] > 2.0


def test_a_gauge_keeps_its_latest_reading_whatever_the_order(store):
    series = Series.of("system.memory.usage", {"host.name": "a"})
    for at, value in ((NOW + 5, 7.0), (NOW + 2, 3.0)):
        made = Batch()
        made.point(series, at).set(value, at)
        store.write(made)
    query = Query(name=series.name, start=NOW, end=NOW + HOUR, by=("host.name",))
    assert store.latest(query) == {("a",): 7.0}


@pytest.mark.parametrize("days", [0, 1, 30, 400])
def test_totals_are_the_same_at_every_resolution(store, clock, days):
    """Rolling up, and reading across levels, neither loses nor doubles anything."""
    for minute in range(0, 180, 7):
        store.write(batch(0.5, 3.0, at=NOW + minute * MINUTE))
    clock.now = NOW + 3 * HOUR
    store.roll_up(clock.now)
    clock.now += days * DAY
    store.roll_up(clock.now)
    store.trim(clock.now)
    total = store.total(ask(NOW - DAY, clock.now + DAY))[()]
    assert (total.count, total.count_above(2.0)) == (52, 26)


@pytest.mark.parametrize("step", [10, MINUTE, HOUR, DAY])
def test_a_step_gives_windows_of_that_length(store, clock, step):
    store.write(batch(1.0, at=NOW + 25))
    clock.now = NOW + 25
    (points,) = store.range(ask(NOW, NOW + MINUTE, step=step)).values()
    assert list(points) == [(NOW + 25) // step * step]


def test_late_data_reaches_the_levels_that_were_rolled_up(store, clock):
    store.write(batch(1.0))
    clock.now = NOW + 2 * DAY
    store.roll_up(clock.now)
    store.write(batch(1.0, at=NOW + 5))
    for step in (10, MINUTE, HOUR, DAY):
        total = store.total(ask(NOW - DAY, NOW + DAY, step=step))
        assert total[()].count == 2, f"step {step}"


def test_rolling_up_twice_adds_nothing(store, clock):
    store.write(batch(1.0))
    clock.now = NOW + DAY
    store.roll_up(clock.now)
    store.roll_up(clock.now)
    assert store.total(ask(NOW - DAY, clock.now, step=HOUR))[()].count == 1


@pytest.mark.parametrize(
    ("age", "kept"), [(-1, 1), (0, 1), (1, 0)], ids=["younger", "equal", "older"]
)
def test_the_finest_windows_are_kept_for_an_hour(store, clock, age, kept):
    store.write(batch(1.0))
    clock.now = NOW + HOUR + age
    store.trim(clock.now)
    total = store.total(ask(NOW, NOW + 10, step=10))
    assert len(total) == kept


def test_a_series_without_points_is_forgotten_and_can_come_back(store, clock):
    store.write(batch(1.0))
    clock.now = NOW + 3 * HOUR
    assert store.trim(clock.now) > 0
    store.write(batch(1.0, at=clock.now))
    assert store.total(ask(NOW, clock.now + HOUR))[()].count == 1


def sample(weight: float, at: float = NOW, key: str = "/a") -> Sample:
    return Sample(
        kind="request", key=key, at=at, weight=weight, body={"weight": weight}
    )


def test_an_hour_keeps_its_weightiest_samples(store):
    made = Batch()
    made.samples = [sample(w) for w in range(keep_of("request").count + 3)]
    store.write(made)
    kept = store.samples("request", key="/a")
    assert sorted(s.weight for s in kept) == [3, 4, 5, 6, 7]


@pytest.mark.parametrize("failed", [3, 4, 5, 9])
def test_an_hour_keeps_slow_samples_beside_any_number_that_failed(store, failed):
    slow = [103.0, 104.0, 105.0]
    for weights in (slow, [1000.0 + n for n in range(failed)]):
        made = Batch()
        made.samples = [sample(weight) for weight in weights]
        made.samples.append(sample(1, key="/b"))
        store.write(made)
    kept = [s.weight for s in store.samples("request", key="/a")]
    assert sorted(w for w in kept if w < 1000) == slow[-2:]
    assert len(kept) == min(failed, keep_of("request").count) + 2
    assert max(kept) == 999 + failed


def test_samples_come_latest_first_and_of_their_key(store):
    made = Batch()
    made.samples = [sample(1, NOW), sample(1, NOW + 9), sample(1, NOW + 5, key="/b")]
    store.write(made)
    assert [s.at for s in store.samples("request")] == [NOW + 9, NOW + 5, NOW]
    assert [s.at for s in store.samples("request", key="/b")] == [NOW + 5]


def counted(name: str, labels: dict[str, str], amount: float, at: float = NOW) -> Batch:
    made = Batch()
    made.point(Series.of(name, labels), at).add(amount)
    return made


def test_the_latest_samples_that_weigh_enough_are_given(store):
    made = Batch()
    made.samples = [sample(w, at=NOW + HOUR * w) for w in (1, 2, 3, 4)]
    store.write(made)
    assert [s.weight for s in store.samples("request", weight=3)] == [4, 3]
    assert [s.weight for s in store.samples("request", weight=3, limit=1)] == [4]
    assert [s.weight for s in store.samples("request", weight=1, limit=3)] == [4, 3, 2]
    assert store.samples("request", weight=5) == []


def test_light_samples_keep_no_weighty_one_away(store):
    made = Batch()
    made.samples = [sample(0.1, NOW + n, key=f"/{n}") for n in range(1, 401)]
    made.samples.append(sample(1000))
    store.write(made)
    for which in ({}, {"key": "/a"}, {"until": NOW + 1}):
        found = store.samples("request", weight=1000, limit=10, **which)
        assert [s.at for s in found] == [NOW]


@pytest.mark.parametrize("key", [None, "/a"])
def test_samples_of_a_past_range_are_given_from_its_start_up_to_its_end(store, key):
    made = Batch()
    hours = [NOW + HOUR * n for n in range(-2, 4)]
    made.samples = [sample(1, at) for at in hours for _ in range(2)]
    store.write(made)
    found = store.samples("request", key=key, since=NOW, until=NOW + 2 * HOUR)
    assert [s.at for s in found] == [NOW + HOUR] * 2 + [NOW] * 2
    found = store.samples("request", key=key, since=NOW, until=NOW + 2 * HOUR, limit=1)
    assert [s.at for s in found] == [NOW + HOUR]


def test_of_each_key_the_latest_sample_is_given(store):
    made = Batch()
    made.samples = [
        sample(weight, at=NOW + 2 * HOUR * n, key=key)
        for key in ("/a", "/b", "/c")
        for n, weight in enumerate((9.0, 1.0, 5.0))
    ]
    store.write(made)
    found = store.latest_samples("request", ["/a", "/b", "/none"])
    assert {key: each.at for key, each in found.items()} == {
        "/a": NOW + 4 * HOUR,
        "/b": NOW + 4 * HOUR,
    }
    assert found["/a"].body == {"weight": 5.0}
    assert store.latest_samples("statement", ["/a"]) == {}
    assert store.latest_samples("request", []) == {}


def test_without_buckets_the_sums_are_the_same(store):
    store.write(batch(0.5, 3.0))
    with_, without = (store.total(ask(buckets=b))[()] for b in (True, False))
    assert (without.count, without.sum, without.minimum, without.maximum) == (
        with_.count, with_.sum, with_.minimum, with_.maximum
    )  # fmt: skip
    assert (len(with_.buckets), without.buckets) == (2, {})


def test_one_of_several_values_may_be_asked_for(store):
    for route in ("/a", "/b", "/c"):
        store.write(batch(1.0, route=route))
    query = ask(where={"http.route": ("/a", "/c")})
    assert store.total(query)[()].count == 2


def test_what_was_ever_counted_only_grows(store, clock):
    for hours in range(5):
        clock.now = NOW + hours * HOUR
        store.write(counted("made", {"kind": "a"}, 2, clock.now))
        store.keep_house(clock.now)
    assert store.cumulative()[Series.of("made", {"kind": "a"})].sum == 10


def test_a_total_is_asked_for_by_name(store):
    store.write(counted("made", {}, 2))
    store.write(counted("failed", {}, 1))
    assert [series.name for series in store.cumulative(["failed"])] == ["failed"]


@pytest.mark.parametrize(
    ("age", "shown"),
    [(-1, True), (0, True), (1, False)],
    ids=["younger", "equal", "older"],
)
def test_a_series_that_nobody_writes_any_more_is_not_shown(store, clock, age, shown):
    store.write(counted("made", {}, 2))
    clock.now = NOW + DAY + age
    assert bool(store.cumulative()) is shown


@pytest.mark.parametrize(
    ("age", "given"),
    [(299, True), (300, True), (301, False)],
    ids=["younger", "equal", "older"],
)
def test_readings_of_processes_that_are_gone_may_be_left_out(store, age, given):
    at = NOW - age
    of_process = {"host.name": "a", "process.pid": "1"}
    made = Batch()
    made.point(Series.of("process.memory.usage", of_process), at).set(1, at)
    made.point(Series.of("restarts", of_process), at).add(1)
    made.point(Series.of("system.memory.usage", {"host.name": "a"}), at).set(1, at)
    store.write(made)
    found = {series.name for series in store.cumulative(alive_since=NOW - 300)}
    assert found == {"restarts", "system.memory.usage"} | (
        {"process.memory.usage"} if given else set()
    )


def test_house_is_kept_once_a_minute_whoever_asks(store, clock):
    asked = [store.keep_house(NOW + s) for s in (0, 0, 59, 60, 61, 120)]
    assert asked == [True, False, False, True, False, True]


def test_a_clock_that_was_set_back_does_not_stop_the_house_keeping(store):
    store.keep_house(NOW + DAY)
    assert store.keep_house(NOW)


def test_a_store_knows_its_size_and_its_last_batch(store, clock):
    assert store.written_at() is None
    store.write(batch(1.0))
    assert store.written_at() == NOW
    assert store.size() > 1000


@pytest.mark.parametrize(("series", "others"), [(2, 0), (3, 0), (4, 1), (6, 3)])
def test_a_metric_has_no_more_series_than_its_bound(store, monkeypatch, series, others):
    monkeypatch.setattr("spotter.stores.catalogue.MAX_SERIES_OF_NAME", 3)
    for number in range(series):
        store.write(batch(1.0, route=f"/{number}"))
    totals = store.total(ask(by=("http.route",)))
    assert len(totals) == min(series, 3) + bool(others)
    assert others == (totals[("__other__",)].count if others else 0)


def test_a_batch_that_brings_too_many_series_at_once_loses_nothing(store, monkeypatch):
    monkeypatch.setattr("spotter.stores.catalogue.MAX_SERIES_OF_NAME", 3)
    made = Batch()
    for number in range(10):
        made.point(Series.of(REQUESTS, {"http.route": str(number)}), NOW).observe(1.0)
    store.write(made)
    assert store.total(ask())[()].count == 10


def overflowed(store) -> dict[str, tuple[int, float]]:
    query = Query(
        name="spotter.series.overflowed",
        start=NOW - HOUR,
        end=NOW + HOUR,
        by=("metric",),
    )
    return {m: (p.count, p.sum) for (m,), p in store.total(query).items()}


def series_in(store) -> int:
    with store.transaction(write=False) as execute:
        return int(execute("SELECT COUNT(*) FROM spotter_series")[0][0])


@pytest.mark.parametrize(("names", "others"), [(2, 0), (3, 0), (4, 1), (9, 6)])
@pytest.mark.parametrize("labels", [{}, {"kind": "trial"}], ids=["bare", "labelled"])
@pytest.mark.parametrize("bound", ["MAX_SERIES", "MAX_METRICS"])
def test_a_store_has_no_more_metrics_than_its_bound(
    store, monkeypatch, names, others, labels, bound
):
    monkeypatch.setattr(f"spotter.stores.catalogue.{bound}", 3)
    monkeypatch.setattr("spotter.stores.catalogue.SPARE", 0)
    for number in range(names):
        store.write(counted(f"user.{number}", labels, 7))
    assert series_in(store) == min(names, 3) + bool(others)
    assert overflowed(store) == ({"__other__": (others, others)} if others else {})


def test_what_has_no_series_is_only_counted_whatever_it_is(store, monkeypatch):
    monkeypatch.setattr("spotter.stores.catalogue.MAX_SERIES", 0)
    made = counted("users", {}, 7)
    made.point(Series.of("depth"), NOW).set(5.0, NOW)
    made.point(Series.of("length"), NOW).observe(5.0)
    made.point(Series.of("busy", {"process.pid": "17"}), NOW).observe(5.0)
    store.write(made)
    assert overflowed(store)["__other__"] == (3, 3)
    assert store.total(Query(name="busy", start=0, end=NOW + 60, by=("process.pid",)))


def test_a_full_store_has_but_so_many_series_that_stand_for_others(store, monkeypatch):
    monkeypatch.setattr("spotter.stores.catalogue.MAX_SERIES", 2)
    monkeypatch.setattr("spotter.stores.catalogue.SPARE", 3)
    for number in range(9):
        store.write(counted("taken", {f"key{number}": "a"}, 1))
    assert series_in(store) == 2 + 3
    assert sum(p.sum for p in store.cumulative().values()) == 9


def test_a_store_that_was_full_takes_new_series_when_old_ones_are_gone(
    store, clock, monkeypatch
):
    monkeypatch.setattr("spotter.stores.catalogue.MAX_SERIES", 1)
    store.write(counted("process.busy", {"process.pid": "17"}, 1))
    store.write(counted("users", {}, 1))
    assert {s.name for s in store.cumulative()} == {
        "process.busy",
        "spotter.series.overflowed",
    }
    clock.now = NOW + 800 * DAY
    store.trim(clock.now)
    store.write(counted("users", {}, 1, clock.now))
    assert {s.name for s in store.cumulative()} == {"users"}


@pytest.mark.parametrize("fault", ["count", "weight"])
def test_a_batch_that_can_never_be_written_leaves_nothing_behind(store, fault):
    refused = counted("made", {}, 1)
    if fault == "count":
        next(iter(refused.points.values())).count = 2**70
    else:
        bad: Any = None
        refused.samples = [Sample(kind="a", key="b", at=NOW, weight=bad, body={})]
    with pytest.raises((RefusedError, OverflowError)):
        store.write(refused)
    assert store.cumulative() == {}
    assert store.write(counted("made", {}, 2))
    assert [p.sum for p in store.cumulative().values()] == [2]


def test_series_of_one_process_are_kept_for_a_day(store, clock):
    labels = {"host.name": "a", "process.pid": "17"}
    store.write(counted("process.busy", labels, 1))
    clock.now = NOW + 23 * HOUR
    store.keep_house(clock.now)
    query = Query(name="process.busy", start=NOW - HOUR, end=clock.now, step=HOUR)
    assert [[*points] for points in store.range(query).values()] == [[NOW]]
    clock.now = NOW + 3 * DAY
    assert store.trim(clock.now) > 0
    assert store.cumulative() == {}


def test_of_one_process_the_hours_that_are_rolled_up_are_read_as_minutes(store, clock):
    labels = {"process.pid": "17"}
    for second in range(0, 2 * HOUR, MINUTE):
        clock.now = NOW + second
        store.write(counted("process.busy", labels, 1, clock.now))
        store.write(batch(1.0, at=clock.now))
        store.keep_house(clock.now)
    for start in (0, 30, 90):
        begin, end = NOW + start * MINUTE, NOW + 2 * HOUR
        query = Query(name="process.busy", start=begin, end=end)
        assert store.total(query)[()].sum == 120 - start, start
    # Older than they are kept, where nothing is there to be read.
    clock.now = NOW + 5 * DAY
    assert store.total(Query(name="process.busy", start=NOW, end=clock.now)) == {}


def test_an_id_that_is_free_again_brings_nothing_of_the_old(store, clock):
    for number in range(3):
        labels = {"host.name": "a", "process.pid": str(number)}
        store.write(counted("process.busy", labels, 100))
    clock.now = NOW + 4 * DAY
    store.keep_house(clock.now)
    store.write(counted("process.busy", {"process.pid": "new"}, 1, clock.now))
    query = Query(name="process.busy", start=NOW, end=clock.now + HOUR)
    assert store.total(query)[()].sum == 1
    assert [p.sum for p in store.cumulative().values()] == [1]


def test_rolling_up_bit_by_bit_is_rolling_up_at_once(store, clock):
    for second in range(0, 2 * HOUR, 10):
        clock.now = NOW + second
        store.write(batch(1.0, at=clock.now))
        if second % MINUTE == 0:
            store.keep_house(clock.now)
    for start, end in ((0, 120), (30, 90), (7, 113), (60, 120)):
        query = ask(NOW + start * MINUTE, NOW + end * MINUTE)
        assert store.total(query)[()].count == (end - start) * 6, (start, end)


def test_windows_that_are_filled_still_are_read_to_the_last_batch(store, clock):
    for second in range(0, 5000, 10):
        clock.now = NOW + second
        store.write(batch(1.0, at=clock.now))
    store.keep_house(clock.now)
    for step in (10, MINUTE, HOUR, DAY):
        query = ask(NOW, clock.now + 10, step=step)
        assert store.total(query)[()].count == 500, step
        (points,) = store.range(query).values()
        assert sum(p.count for p in points.values()) == 500, step


def test_samples_are_kept_as_long_as_their_kind(store, clock):
    made = Batch()
    made.samples = [
        sample(1.0),
        Sample(kind="deploy", key="v1", at=NOW, weight=1, body={}),
    ]
    store.write(made)
    clock.now = NOW + 4 * DAY
    store.trim(clock.now)
    assert store.samples("request") == []
    assert [s.key for s in store.samples("deploy")] == ["v1"]


def test_a_body_that_an_older_spotter_packed_is_read_still(store):
    body = {"text": "SELECT … FROM clients WHERE id = %s " * 20}
    with store.transaction(write=True) as execute:
        execute(
            "INSERT INTO spotter_samples (kind, key, hour, at, weight, body) "
            "VALUES ('request', '/', 0, ?, 1, ?)",
            (NOW, zlib.compress(orjson.dumps(body), 3)),
        )
    assert store.samples("request")[0].body == body


def test_a_large_body_is_given_back_as_it_was(store):
    made = Batch()
    body = {"spans": [{"text": "SELECT …" * 20, "at": n} for n in range(100)]}
    made.samples = [Sample(kind="request", key="/", at=NOW, weight=1, body=body)]
    store.write(made)
    assert store.samples("request")[0].body == body
