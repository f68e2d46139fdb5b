"""
What is new to a process is written in few statements, however much it is.

Every other writer waits meanwhile, and in a busy process each statement may wait for
the interpreter.
"""

from __future__ import annotations

import contextlib

import pytest

from spotter.entries import Batch, Sample, Series
from spotter.stores.contract import Query, keep_of
from spotter.stores.postgresql import PostgresqlStore
from spotter.stores.sqlite import SqliteStore
from tests.stores.conftest import NOW

SERIES, KEYS = 400, 100
ROUTE = "http.route"


def batch_of(*routes: str, keys: int = 0) -> Batch:
    made = Batch()
    for route in routes:
        made.point(Series.of("requests", {ROUTE: route}), NOW).add(1)
    for number in range(keys):
        made.samples.append(
            Sample(kind="request", key=f"/{number}/", at=NOW, weight=1.0, body={})
        )
    return made


def routes(count: int = SERIES) -> list[str]:
    return [f"/route-{number}/" for number in range(count)]


@pytest.fixture
def listen(monkeypatch):
    """Give the list that each statement of a store will be added to."""

    def listen(store):
        said: list[tuple[str, tuple[object, ...]]] = []
        real = store.transaction

        @contextlib.contextmanager
        def transaction(*, write):
            with real(write=write) as execute:

                def heard(statement, parameters=()):
                    said.append((statement, tuple(parameters)))
                    return execute(statement, parameters)

                yield heard

        monkeypatch.setattr(store, "transaction", transaction)
        return said

    return listen


def test_hundreds_of_new_series_and_samples_take_few_statements(store, listen):
    store.write(batch_of("/"))  # The tables are made.
    said = listen(store)
    store.write(batch_of(*routes(), keys=KEYS))
    assert len(said) < 40
    total = store.total(Query(name="requests", start=NOW, end=NOW + 60))
    assert total[()].sum == SERIES + 1
    assert len(list(store.samples("request", limit=KEYS * 2))) == KEYS


def test_series_that_another_process_made_are_found_and_not_made_twice(store, listen):
    store.write(batch_of(*routes()))
    store._series.forget()  # As a process that has just started.
    said = listen(store)
    store.write(batch_of(*routes(), "/new/"))
    assert len(said) < 40
    found = store.total(Query(name="requests", start=NOW, end=NOW + 60, by=(ROUTE,)))
    assert {group: point.sum for group, point in found.items()} == {
        **{(route,): 2 for route in routes()},
        ("/new/",): 1,
    }


def test_each_key_keeps_its_weightiest_though_many_are_written_at_once(store):
    kept = keep_of("request").count
    made = Batch()
    for weight in range(kept + 2):
        for key in ("/a/", "/b/"):
            made.samples.append(
                Sample(kind="request", key=key, at=NOW, weight=weight, body={})
            )
    store.write(made)
    for key in ("/a/", "/b/"):
        found = store.samples("request", key=key, limit=100)
        assert sorted(each.weight for each in found) == list(range(2, kept + 2))


def test_what_is_known_already_is_looked_up_and_no_table_is_read_through(
    tmp_path, listen
):
    path = tmp_path / "spotter.db"
    SqliteStore(path).write(batch_of(*routes(), keys=KEYS))
    store = SqliteStore(path)
    said = listen(store)
    store.write(batch_of(*routes(), keys=KEYS))
    plans = []
    with store.transaction(write=False) as execute:
        for statement, parameters in list(said):
            if "spotter_series" in statement or "spotter_samples" in statement:
                rows = execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans += [row[3] for row in rows]
    scanned = {plan.split()[1] for plan in plans if plan.startswith("SCAN")}
    assert not scanned & {"s", "spotter_series", "spotter_samples"}
    assert [plan for plan in plans if "(name=? AND labels=?)" in plan]
    assert [plan for plan in plans if "(kind=? AND key=? AND hour=?)" in plan]


def test_groups_that_are_remembered_learn_of_new_series(store, monkeypatch):
    query = Query(name="requests", start=NOW, end=NOW + 60, by=(ROUTE,))
    for bound in (20_000, 2):
        monkeypatch.setattr("spotter.stores.catalogue.MAX_GROUPED", bound)
        for number in range(4):
            route = f"/{bound}/{number}/"
            store.write(batch_of(route))
            assert store.total(query)[route,].sum == 1
    assert len(store.total(query)) == 8


def test_a_process_remembers_a_bounded_number_of_series(store, monkeypatch):
    monkeypatch.setattr("spotter.stores.catalogue.MAX_IDS", 3)
    for number in range(9):
        store.write(batch_of(f"/{number}/", "/"))
        assert len(store._series._ids) <= 3 + 2
    query = Query(name="requests", start=NOW, end=NOW + 60, by=(ROUTE,))
    assert store.total(query)["/",].sum == 9


def test_metrics_are_read_from_postgresql_by_one_statement_that_is_planned_once(
    request, clock, listen
):
    server = request.getfixturevalue("postgres")
    store = PostgresqlStore(server.create_database("planned"), clock)
    for name in ("few", "fewer", "many", "more"):
        made = Batch()
        for number in range({"few": 3, "fewer": 2, "many": 130, "more": 150}[name]):
            made.point(Series.of(name, {ROUTE: str(number)}), NOW).add(1)
        store.write(made)
    said = listen(store)
    for name in ("few", "fewer", "many", "more"):
        query = Query(name=name, start=NOW, end=NOW + 10, by=(ROUTE,), buckets=False)
        assert sum(each.sum for each in store.total(query).values()) > 1
    texts = {statement for statement, _ in said if "spotter_points" in statement}
    assert len(texts) == 2  # Of few series each is looked up; of many, all between.
    with store.transaction(write=False) as execute:
        rows = execute(
            "SELECT SUM(generic_plans), SUM(custom_plans) FROM pg_prepared_statements"
        )
    assert rows[0][0] > 0
    assert rows[0][1] == 0
    store.close()
