"""Each store under test, empty, with a clock that the test moves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from spotter.stores.contract import Store
from spotter.stores.postgresql import PostgresqlStore
from spotter.stores.sqlite import MEMORY, SqliteStore

#: A Tuesday, 10:00 UTC, so that hours and days begin where a reader expects.
NOW = 1_764_064_800
numbers = itertools.count()


class Clock:
    """Says what it was told."""

    def __init__(self) -> None:
        self.now: float = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request, clock, tmp_path) -> Iterator[Store]:
    if request.param == "memory":
        store: Store = SqliteStore(MEMORY, clock)
    elif request.param == "sqlite":
        store = SqliteStore(tmp_path / "spotter" / "spotter.db", clock)
    else:
        server = request.getfixturevalue("postgres")
        store = PostgresqlStore(server.create_database(f"store{next(numbers)}"), clock)
    yield store
    store.close()
