"""Statements are thousands: they are kept apart, in fewer windows, and lose nothing."""

from __future__ import annotations

import pytest

from spotter.entries import Batch, Sample, Series
from spotter.stores.contract import DAY, DETAILS, HOUR, LEVELS, MINUTE, Query
from spotter.stores.schema import table
from tests.stores.conftest import NOW

STATEMENTS, REQUESTS = "spotter.db.statement.duration", "http.server.request.duration"
FINGERPRINT = "db.query.fingerprint"


def batch(*values: float, at: float = NOW, key: str = "a1") -> Batch:
    made = Batch()
    for name in (STATEMENTS, REQUESTS):
        for value in values:
            made.point(Series.of(name, {FINGERPRINT: key}), at).observe(value)
    return made


def ask(start: float, end: float, name: str = STATEMENTS, **fields) -> Query:
    return Query(name=name, start=start, end=end, **fields)


def rows_of(store, level):
    with store.transaction(write=False) as execute:
        return execute(f"SELECT COUNT(*) FROM {table(level)}")[0][0]  # noqa: S608 (a name of ours)


def test_statements_lie_in_tables_of_their_own_by_the_minute(store):
    for second in range(0, MINUTE, 10):
        store.write(batch(0.5, at=NOW + second))
    assert rows_of(store, LEVELS[0]) == 6
    assert rows_of(store, DETAILS[0]) == 1
    assert rows_of(store, LEVELS[1]) == 0


def test_a_statement_is_read_at_once_and_to_the_last_call(store, clock):
    for second in range(0, 2 * HOUR, 30):
        clock.now = NOW + second
        store.write(batch(0.5, 3.0, at=clock.now))
        store.keep_house(clock.now)
    for start in (0, 45, 61, 119):
        query = ask(NOW + start * MINUTE, NOW + 2 * HOUR)
        total = store.total(query)[()]
        assert (total.count, total.count_above(2.0)) == (4 * (120 - start), 2 * (120 - start))  # fmt: skip


@pytest.mark.parametrize("days", [0, 1, 7, 30, 89])
def test_a_statements_totals_are_those_of_what_is_kept_longer(store, clock, days):
    for minute in range(0, 180, 7):
        store.write(batch(0.5, 3.0, at=NOW + minute * MINUTE))
    for passed in (3 * HOUR, 3 * HOUR + days * DAY):
        clock.now = NOW + passed
        store.roll_up(clock.now)
        store.trim(clock.now)
    mine, others = (
        store.total(ask(NOW - DAY, clock.now + DAY, name))[()]
        for name in (STATEMENTS, REQUESTS)
    )
    assert mine.count == 52
    assert (mine.sum, mine.buckets) == (others.sum, others.buckets)


@pytest.mark.parametrize(
    ("step", "windows"), [(10, 3), (MINUTE, 3), (5 * MINUTE, 1), (HOUR, 1)]
)
def test_a_chart_gets_windows_no_finer_than_those_that_are_kept(store, clock, step, windows):  # fmt: skip
    for minute in range(3):
        store.write(batch(1.0, at=NOW + minute * MINUTE))
    clock.now = NOW + 4 * MINUTE
    (points,) = store.range(ask(NOW, NOW + HOUR, step=step)).values()
    assert [p.count for p in points.values()] == [3 // windows] * windows
    assert all(start % max(step, MINUTE) == 0 for start in points)


def test_where_the_fine_windows_are_gone_a_chart_gets_the_coarse_ones(store, clock):
    for hour in range(3):
        store.write(batch(1.0, 2.0, at=NOW + hour * HOUR + 100))
    clock.now = NOW + 3 * DAY
    store.roll_up(clock.now)
    store.trim(clock.now)
    expected = {
        STATEMENTS: {NOW - 4 * HOUR: 4, NOW + 2 * HOUR: 2},
        REQUESTS: {NOW: 2, NOW + HOUR: 2, NOW + 2 * HOUR: 2},
    }
    for name, wanted in expected.items():
        for buckets in (True, False):
            query = ask(NOW, NOW + 6 * HOUR, name, step=5 * MINUTE, buckets=buckets)
            (points,) = store.range(query).values()
            assert {at: point.count for at, point in points.items()} == wanted


@pytest.mark.parametrize("step", [None, 10, MINUTE, 15 * MINUTE, HOUR])
def test_without_buckets_a_chart_gets_the_same_sums_and_readings(store, clock, step):
    made = Batch()
    for second in range(0, 2 * HOUR, 50):
        for host in ("a", "b"):
            for name in ("process.memory.usage", "system.cpu.utilization"):
                labels = {"host.name": host, "process.pid": str(second % 3)}
                labels = labels if name.startswith("process") else {"host.name": host}
                made.point(Series.of(name, labels), NOW + second).set(
                    second % 700, NOW + second + (host == "b")
                )
    store.write(made)
    clock.now = NOW + 2 * HOUR
    store.roll_up(clock.now)
    for name in ("process.memory.usage", "system.cpu.utilization"):
        whole, sums = (
            store.range(ask(NOW, clock.now, name, step=step, by=by, buckets=buckets))
            for buckets in (True, False)
            for by in [("host.name",)]
        )
        assert seen(whole) == seen(sums)


def seen(found):
    """Everything but buckets, which gauges have none of."""
    return {
        (group, at): (p.count, p.sum, p.minimum, p.maximum, p.last, p.last_at)
        for group, points in found.items()
        for at, p in points.items()
    }


def test_late_calls_reach_the_hours_that_were_rolled_up(store, clock):
    store.write(batch(1.0))
    clock.now = NOW + DAY
    store.roll_up(clock.now)
    store.write(batch(1.0, at=NOW + 5))
    for step in (HOUR, DAY):
        (points,) = store.range(ask(NOW - HOUR, NOW + HOUR, step=step)).values()
        assert [p.count for p in points.values()] == [2]


@pytest.mark.parametrize("level", DETAILS)
def test_what_is_past_its_time_is_deleted(store, clock, level):
    store.write(batch(1.0))
    for passed in (2 * DAY, level.keep + level.window):
        clock.now = NOW + passed
        store.roll_up(clock.now)
    assert rows_of(store, level) == 1
    store.trim(clock.now + 1)
    assert rows_of(store, level) == 0


def test_a_statement_that_nobody_asks_any_more_makes_room_after_its_last_day(store, clock):  # fmt: skip
    store.write(batch(1.0))
    clock.now = NOW + DETAILS[-1].keep + 2 * HOUR
    store.trim(clock.now)
    with store.transaction(write=False) as execute:
        names = {row[0] for row in execute("SELECT name FROM spotter_series")}
    assert names == {REQUESTS}


def test_a_scraper_that_wants_no_statements_reads_none(store):
    store.write(batch(1.0))
    assert {s.name for s in store.cumulative(detailed=False)} == {REQUESTS}
    assert {s.name for s in store.cumulative()} == {REQUESTS, STATEMENTS}


def test_however_many_samples_are_past_their_time_all_are_deleted(store, clock, monkeypatch):  # fmt: skip
    monkeypatch.setattr("spotter.stores.housekeeping.DELETE_AT_ONCE", 3)
    made = Batch()
    made.samples = [
        Sample(kind="request", key=f"/{n}", at=NOW, weight=1, body={}) for n in range(8)
    ]
    store.write(made)
    clock.now = NOW + 4 * DAY
    store.trim(clock.now)
    with store.transaction(write=False) as execute:
        assert execute("SELECT COUNT(*) FROM spotter_samples")[0][0] == 0


def test_rolled_up_is_what_was_measured_whatever_its_kind(store, clock):
    """Sums are added up by the database, buckets and readings are not: all the same."""
    names = ("made", "size", "took", "level")
    for second in range(0, 3 * HOUR, 25):
        clock.now = NOW + second
        made = Batch()
        for name in names:
            point = made.point(Series.of(name, {"of": str(second % 3)}), clock.now)
            value = float(second % 70)
            {
                "made": lambda p=point, v=value: p.add(v),
                "size": lambda p=point, v=value: p.note(v),
                "took": lambda p=point, v=value: p.observe(v),
                "level": lambda p=point, v=value: p.set(v, clock.now),
            }[name]()
        store.write(made)
        if second % 200 == 0:
            store.keep_house(clock.now)
    store.roll_up(clock.now + HOUR)
    values = [float(second % 70) for second in range(0, 3 * HOUR, 25)]
    for name in names:
        for start in (NOW - DAY, NOW - 20 * DAY):
            point = store.total(ask(start, NOW + DAY, name))[()]
            assert (point.count, point.sum) == (len(values), sum(values))
            if name != "made":
                assert (point.minimum, point.maximum) == (0.0, 65.0)
    assert point.last == values[-1]
    took = store.total(ask(NOW - DAY, NOW + DAY, "took"))[()]
    assert took.zeros == values.count(0.0)
    assert sum(took.buckets.values()) == len(values) - took.zeros


@pytest.mark.parametrize("days", [0, 3])
def test_of_thousands_only_those_with_a_mean_above_are_read(store, clock, days):
    for minute in (0, 7, 61):
        at = NOW + minute * MINUTE
        store.write(batch(0.010, 0.020, at=at, key="below"))
        store.write(batch(0.015625, at=at, key="equal"))
        store.write(batch(0.015625, 0.015626, at=at, key="above"))
        store.write(batch(0.001 if minute else 5.0, at=at, key="at first"))
    clock.now = NOW + 2 * HOUR + days * DAY
    store.roll_up(clock.now)
    store.trim(clock.now)
    query = ask(NOW, clock.now, by=(FINGERPRINT,), mean_above=0.015625, buckets=False)
    found = store.total(query)
    assert {key: point.count for (key,), point in found.items()} == {
        "above": 6,
        "at first": 3,
    }


def test_a_mean_is_that_of_the_whole_group(store):
    fast, slow = ({FINGERPRINT: "a1", "db.alias": alias} for alias in ("one", "two"))
    made = Batch()
    made.point(Series.of(STATEMENTS, fast), NOW).observe(0.0)
    made.point(Series.of(STATEMENTS, slow), NOW).observe(0.1)
    store.write(made)
    for mean, count in ((0.04, 2), (0.05, None), (0.06, None)):
        found = store.total(
            ask(NOW, NOW + HOUR, by=(FINGERPRINT,), mean_above=mean, buckets=False)
        )
        assert (found["a1",].count if found else None) == count
