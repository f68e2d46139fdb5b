"""A request in hand, for recorders that count only within one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spotter import context
from spotter.stores import Store
from tests.kept import kept_store


@pytest.fixture
def request_context() -> Iterator[context.Context]:
    """The context of a request that lasts as long as the test."""
    work = context.Context(request_id="of-a-test")
    token = context.enter(work)
    yield work
    context.leave(token)


@pytest.fixture
def kept(settings, tmp_path) -> Iterator[Store]:
    """The store that the settings name, in a file of its own."""
    yield from kept_store(settings, tmp_path)
