"""What is read for one page is of one instant, whoever writes meanwhile."""

from __future__ import annotations

import pytest

from spotter.entries import Batch, Series
from spotter.stores.contract import Query, Store, StoreError
from spotter.stores.postgresql import PostgresqlStore
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
