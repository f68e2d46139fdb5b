"""The shared store when its server stops, hangs, or is not there."""

from __future__ import annotations

import multiprocessing
import time

import pytest

from spotter.entries import Batch, Series
from spotter.stores import postgresql
from spotter.stores.contract import Query, StoreError
from spotter.stores.postgresql import PostgresqlStore


def hits() -> Batch:
    made = Batch()
    made.point(Series("hits"), time.time()).add(1)
    return made


def counted(store: PostgresqlStore) -> float:
    now = time.time()
    return store.total(Query(name="hits", start=now - 3600, end=now + 3600))[()].sum


@pytest.fixture
def proxy(postgres, proxy_to):
    return proxy_to(postgres.port)


@pytest.fixture
def store(request, postgres, proxy):
    name = f"faults_{abs(hash(request.node.nodeid))}"
    postgres.create_database(name)
    store = PostgresqlStore(postgres.url(name, port=proxy.port))
    store.write(hits())
    yield store
    store.close()


@pytest.mark.parametrize("fault", ["down", "reset"])
def test_a_server_that_is_gone_is_reported_without_its_address(store, proxy, fault):
    proxy.misbehave(fault)
    with pytest.raises(StoreError) as failure:
        store.write(hits())
    assert "127.0.0.1" not in str(failure.value)


@pytest.mark.parametrize("fault", ["down", "reset"])
def test_writing_resumes_when_the_server_is_back(store, proxy, fault):
    proxy.misbehave(fault)
    with pytest.raises(StoreError):
        store.write(hits())
    proxy.misbehave(None)
    assert store.write(hits())
    assert counted(store) == 2


def test_a_server_that_never_answers_is_given_up(store, proxy, monkeypatch):
    monkeypatch.setattr(postgresql, "DEADLINE_SECONDS", 0.3)
    proxy.misbehave("hang")
    with pytest.raises(StoreError):
        store.write(hits())
    monkeypatch.undo()
    proxy.misbehave(None)
    assert store.write(hits())


def write_many(url: str, batches: int) -> None:
    store = PostgresqlStore(url)
    for _ in range(batches):
        store.write(hits())
    store.close()


def test_eight_processes_lose_and_double_nothing(postgres):
    url = postgres.create_database("eight")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(url, 25)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    store = PostgresqlStore(url)
    assert counted(store) == 200
    store.close()
