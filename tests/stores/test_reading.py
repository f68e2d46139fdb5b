"""What is read for one page is of one instant, whoever writes meanwhile."""

from __future__ import annotations

import dataclasses

import pytest

from spotter.entries import Batch, Series
from spotter.stores.contract import Query, Store, StoreError
from spotter.stores.postgresql import PostgresqlStore
from spotter.stores.reading import LOOK_UP, MAX_GROUPS
from tests.stores.conftest import NOW

BOTH = pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)


def of(route: str, amount: float = 1) -> Batch:
    made = Batch()
    made.point(Series("hits", (("http.route", route),)), NOW).add(amount)
    return made


def hits(store: Store) -> dict[str, float]:
    query = Query(name="hits", start=NOW - 60, end=NOW + 60, by=("http.route",))
    return {group[0]: point.sum for group, point in store.total(query).items()}


@pytest.fixture
def another(store, clock):
    """Another process's way to the same store."""
    is_shared = isinstance(store, PostgresqlStore)
    place = store.url if is_shared else store.path
    made = type(store)(place, clock)
    yield made
    made.close()


@BOTH
def test_what_others_write_meanwhile_is_seen_afterwards(store, another):
    store.write(of("/a/"))
    with store.reading():
        before = hits(store)
        another.write(of("/a/"))
        another.write(of("/b/"))
        assert hits(store) == before == {"/a/": 1}
    assert hits(store) == {"/a/": 2, "/b/": 1}


@BOTH
def test_a_reading_within_another_is_of_the_same_instant(store, another):
    store.write(of("/a/"))
    with store.reading():
        hits(store)
        with store.reading():
            another.write(of("/a/"))
            assert hits(store) == {"/a/": 1}
        assert hits(store) == {"/a/": 1}
    assert hits(store) == {"/a/": 2}


def test_nothing_can_be_written_inside_and_all_goes_on_afterwards(store):
    store.write(of("/a/"))
    with pytest.raises(StoreError), store.reading():
        store.write(of("/a/"))
    assert store.write(of("/a/"))
    assert hits(store) == {"/a/": 2}


def test_what_fails_inside_leaves_the_store_as_it_was(store):
    store.write(of("/a/"))
    with pytest.raises(ZeroDivisionError), store.reading():
        1 / hits(store).get("/b/", 0)
    store.write(of("/b/"))
    assert hits(store) == {"/a/": 1, "/b/": 1}


@pytest.mark.parametrize("groups", [MAX_GROUPS - 1, MAX_GROUPS, MAX_GROUPS + 1])
@pytest.mark.parametrize(
    "of_each", [1, LOOK_UP // MAX_GROUPS, LOOK_UP // MAX_GROUPS + 2]
)
def test_groups_of_many_series_are_added_up_over_all_levels(
    store, clock, groups, of_each
):
    """Few or many groups, and as many series of each: one is found like the other."""
    at = NOW - 7200
    for minute in range(0, 120, 20):
        clock.now, batch = at + 60 * minute, Batch()
        for number in range(groups * of_each):
            labels = (("group", str(number % groups)), ("number", f"{number:04}"))
            point = batch.point(Series("level", labels), clock.now)
            # Each a moment later, so that the last of a group is one for certain.
            point.set(1000 * minute + number, clock.now + number / 1000)
        store.write(batch)
        store.roll_up(clock.now)
    clock.now = NOW
    query = Query(name="level", start=at, end=NOW, by=("group",), buckets=False)
    first_of_last = 1000 * 100 + groups * (of_each - 1)
    totals = store.total(query)
    assert len(totals) == groups
    for (name,), point in totals.items():
        assert point.count == 6 * of_each
        assert point.last == first_of_last + int(name)
    drawn = store.range(dataclasses.replace(query, step=3600))
    assert {
        group: [p.count for p in points.values()] for group, points in drawn.items()
    } == {(str(number),): [3 * of_each, 3 * of_each] for number in range(groups)}


def test_more_metrics_than_are_remembered_are_read_at_one_instant(store, monkeypatch):
    monkeypatch.setattr("spotter.stores.catalogue.MAX_NAMES", 2)
    batch = of("/a/")
    for number in range(3):
        batch.point(Series(f"metric.{number}"), NOW).add(number)
    store.write(batch)
    with store.reading():
        for _ in range(2):
            for number in range(3):
                query = Query(name=f"metric.{number}", start=NOW - 60, end=NOW + 60)
                assert store.total(query)[()].sum == number
            assert hits(store) == {"/a/": 1}


@pytest.mark.parametrize("series", [1, LOOK_UP - 1, LOOK_UP, LOOK_UP + 1])
@pytest.mark.parametrize("ago", [30, 6 * 3600])
def test_several_totals_at_once_are_those_of_one_after_the_other(
    store, clock, series, ago
):
    """Of a counter, a gauge whose last reading counts, one process's, and of nothing."""
    clock.now = NOW - ago
    batch = Batch()
    for number in range(series - 1):
        where = Series("hits", (("http.route", f"/{number % 7}/{number}/"),))
        batch.point(where, clock.now).add(number)
    batch.point(Series("system.cpu.utilization", (("host.name", "a"),)), clock.now).set(
        0.5, clock.now
    )
    store.write(batch)
    later = Batch()
    of_one = Series("process.memory.usage", (("host.name", "a"), ("process.pid", "1")))
    later.point(of_one, clock.now).set(7.0, clock.now)
    cpu = Series("system.cpu.utilization", (("host.name", "a"),))
    later.point(cpu, clock.now).set(0.25, clock.now + 1)
    store.write(later)
    clock.now = NOW
    store.roll_up(NOW)
    asked = {
        "hits": ("http.route",),
        "system.cpu.utilization": ("host.name",),
        "process.memory.usage": (),
        "nothing": (),
    }
    queries = [
        Query(name=name, start=NOW - ago - 60, end=NOW, by=by, buckets=False)
        for name, by in asked.items()
    ]
    found = store.totals(queries)
    assert shown(found) == shown([store.total(query) for query in queries])
    assert [len(each) for each in found] == [series - 1, 1, 1, 0]
    assert found[1]["a",].last == 0.25


def shown(totals):
    return [
        {
            group: (p.count, p.sum, p.minimum, p.maximum, p.zeros, p.last, p.last_at)
            for group, p in each.items()
        }
        for each in totals
    ]


@BOTH
def test_series_made_by_others_are_found_by_a_page_of_many_metrics(store, another):
    names = [f"metric.{number}" for number in range(4)]

    def sums():
        with store.reading():
            return [
                store.total(Query(name=name, start=NOW - 60, end=NOW + 60))
                for name in names
            ]

    assert sums() == [{}] * 4
    batch = Batch()
    for name in names:
        batch.point(Series(name), NOW).add(1)
    another.write(batch)
    assert [each[()].sum for each in sums()] == [1] * 4
