"""A request in hand, for recorders that count only within one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spotter import context


@pytest.fixture
def request_context() -> Iterator[context.Context]:
    """The context of a request that lasts as long as the test."""
    work = context.Context(request_id="of-a-test")
    token = context.enter(work)
    yield work
    context.leave(token)
