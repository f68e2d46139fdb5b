"""What a disk has damaged within a row costs that row, not what lies beside it."""

from __future__ import annotations

import pytest

from spotter.entries import Batch, Sample, Series
from spotter.histograms import BucketSum, Histogram
from spotter.stores.contract import HOUR, Query
from tests.stores.conftest import NOW

ROT = [
    b"",
    b"x",
    b"B",
    b"B\x00\x00",
    b"I\x00\x00abc",
    b"d" + bytes(18),
    b"B\xff\x7f\x01",
]


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """As if nothing had been told of it yet."""
    monkeypatch.setattr("spotter.rescue._told", {})


def rot(store, statement, *values):
    with store.transaction(write=True) as execute:
        execute(statement, values)


def batch(value: float = 1.0) -> Batch:
    made = Batch()
    for route in ("/a", "/b"):
        made.point(Series.of("length", {"route": route}), NOW).observe(value)
        made.samples.append(
            Sample(kind="request", key=route, at=NOW, weight=1, body={"route": route})
        )
    return made


def ask() -> Query:
    return Query(name="length", start=NOW - HOUR, end=NOW + HOUR, by=("route",))


@pytest.mark.parametrize("data", ROT[1:])
def test_buckets_that_are_none_are_refused_and_nothing_is_added(data):
    histogram, total = Histogram([1.0]), BucketSum()
    total.add(histogram.encode())
    with pytest.raises(ValueError, match=r"buckets|bytes length"):
        histogram.decode(data)
    with pytest.raises(ValueError, match=r"buckets|bytes length"):
        total.add(data)
    assert (histogram.buckets, total.counts) == ({0: 1}, [1])


def test_rotten_buckets_cost_themselves_alone(store, caplog):
    store.write(batch())
    for table in ("spotter_points_10", "spotter_totals"):
        rot(
            store,
            f"UPDATE {table} SET buckets = ? WHERE series_id = "  # noqa: S608
            "(SELECT MIN(id) FROM spotter_series)",
            b"rotten",
        )
    total, (windows, _) = store.total(ask()), store.range(ask()).values()
    assert {group: (p.count, p.buckets) for group, p in total.items()} == {
        ("/a",): (1, {}),
        ("/b",): (1, {0: 1}),
    }
    assert windows[NOW].count == 1
    assert sorted(len(p.buckets) for p in store.cumulative().values()) == [0, 1]
    assert "passes over a point's buckets" in caplog.text
    assert store.write(batch(2.0))
    store.roll_up(NOW + HOUR)
    found = store.total(ask())
    assert [found[group,].buckets for group in ("/a", "/b")] == [{8: 1}, {0: 1, 8: 1}]


@pytest.mark.parametrize(
    "body", [b"rotten", b"{", b"[1]", b"x\x9crotten", b"", b"\xff"]
)
def test_a_rotten_sample_is_passed_over(store, body):
    store.write(batch())
    rot(store, "UPDATE spotter_samples SET body = ? WHERE key = '/a'", body)
    assert [s.key for s in store.samples("request")] == ["/b"]
    assert set(store.latest_samples("request", ["/a", "/b"])) == {"/b"}


@pytest.mark.parametrize("text", ["rotten", "[", "7", '["a"]', "[[1, 2, 3]]", "null"])
def test_a_series_with_rotten_labels_is_shown_without_them(store, clock, text):
    store.write(batch())
    rot(store, "UPDATE spotter_series SET labels = ? WHERE labels LIKE '%/a%'", text)
    assert {group: p.count for group, p in store.total(ask()).items()} == {
        ("",): 1,
        ("/b",): 1,
    }
    assert [s.labels for s in store.cumulative()] == [(("route", "/b"),)]
    store.trim(NOW + 90 * HOUR)


@pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
def test_a_text_that_is_no_utf8_costs_its_row(store):
    store.write(batch())
    rot(
        store,
        "UPDATE spotter_series SET labels = CAST(? AS TEXT) WHERE labels LIKE '%/a%'",
        b"\xff\xfe",
    )
    assert set(store.total(ask())) == {("",), ("/b",)}
