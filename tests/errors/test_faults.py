"""A dead or slow Sentry costs a request nothing."""

from __future__ import annotations

import pytest

from spotter.errors import setup
from tests.servers.processes import free_port, wait_until
from tests.servers.sentry_sink import Answer

pytestmark = pytest.mark.long

FAULTS = {
    "hang": Answer(hang=True),
    "reset": Answer(reset=True),
    "too many": Answer(status=429, headers={"Retry-After": "60"}),
    "limited": Answer(headers={"X-Sentry-Rate-Limits": "60:error;transaction:org"}),
    "broken": Answer(status=503),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_requests_are_answered_whatever_sentry_does(sink, serve, fault):
    """More events than the queue holds, and no thread more than before."""
    site = serve(sink.dsn)
    sink.answer = FAULTS[fault]
    site.get("/examples/")
    before = site.threads()
    assert {site.get("/examples/") for _ in range(60)} == {200}
    assert site.threads() <= before + 1


def test_requests_are_answered_when_nothing_listens(serve):
    site = serve(f"http://{'a' * 32}@127.0.0.1:{free_port()}/7")
    assert {site.get("/examples/") for _ in range(20)} == {200}


def test_what_is_dropped_is_told_once_sentry_is_back(sink, serve):
    """Rate limited for one second, then a client report says what was lost."""
    sink.answer = Answer(status=429, headers={"Retry-After": "1"})
    site = serve(sink.dsn)
    site.get("/examples/")
    wait_until(lambda: sink.requests > 0, 20, "the first envelope")
    site.get("/examples/")
    sink.answer = Answer()

    def told() -> bool:
        site.get("/fine/")
        return any(category == "error" for _, category in sink.lost())

    wait_until(told, 60, "a client report about errors")


def test_ending_waits_for_sentry_two_seconds_at_most():
    """`shutdown_timeout` is bounded, and so is the queue."""
    options = setup.options("http://a@127.0.0.1/1")
    assert options["shutdown_timeout"] <= 2
    assert options["transport_queue_size"] == 100
