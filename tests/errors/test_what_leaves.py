"""What reaches a strict Sentry from a project under a real HTTP server."""

from __future__ import annotations

import pytest

from tests import canaries


def test_no_secret_leaves_in_anything(sink, serve):
    """Errors, transactions, spans, logs, metrics, breadcrumbs, attachments: 0 of 25."""
    assert serve(sink.dsn).post_canaries() == 500
    for kind in ("event", "transaction", "log", "trace_metric", "attachment"):
        sink.wait_for(kind)
    assert canaries.leaked(bytes(sink.raw)) == []
    assert sink.refused == []


def test_what_is_left_is_still_of_use(sink, serve):
    """The user's id, the exception, the route and the marker are there."""
    serve(sink.dsn).post_canaries()
    event = next(e for e in sink.wait_for("event", 2) if "exception" in e)
    assert event["user"] == {"id": "4711"}
    assert event["transaction"] == "/boom/"
    assert event["exception"]["values"][0]["type"] == "RuntimeError"
    assert event["request"]["data"]["password"] == "[Filtered]"
    assert event["breadcrumbs"]["values"]


def test_environment_and_release_come_from_the_variables(sink, serve):
    serve(sink.dsn).get("/examples/")
    event = sink.wait_for("event")[0]
    assert event["environment"] == "staging"
    assert event["release"] == "trainerhub@1.2.3"


def test_examples_of_the_document_arrive(sink, serve):
    """capture_exception, context, breadcrumb, transaction, logger.exception."""
    assert serve(sink.dsn).get("/examples/") == 200
    first, second = sink.wait_for("event", 2)[:2]
    assert first["exception"]["values"][0]["value"] == "risky operation"
    assert second["logentry"]["message"] == "Failed to process booking"
    assert second["contexts"]["trainer"] == {"id": 7, "business_name": "Strong Ltd"}
    crumbs = [c.get("message") for c in second["breadcrumbs"]["values"]]
    assert "User logged in" in crumbs
    names = {t["transaction"] for t in sink.wait_for("transaction", 2)}
    assert "process_payment" in names
    assert {c["status"] for c in sink.wait_for("check_in", 2)} == {"in_progress", "ok"}


def test_a_probe_makes_no_transaction(sink, serve):
    site = serve(sink.dsn)
    site.get("/health/")
    site.get("/fine/")
    sink.wait_for("transaction")
    assert [t["transaction"] for t in sink.items("transaction")] == ["/fine/"]


@pytest.mark.parametrize(
    ("path", "name"),
    [("/reset/tok/", "/reset/<str:token>/"), ("/no/such", "unmatched")],
)
def test_a_transaction_is_named_by_its_route(sink, serve, path, name):
    serve(sink.dsn).get(path)
    assert sink.wait_for("transaction")[0]["transaction"] == name


def test_a_secret_in_the_path_leaves_in_nothing(sink, serve):
    """Neither in the address nor in what Sentry shows of the request and its frames."""
    secret = "-".join(("c9q", "31f7"))
    assert serve(sink.dsn).get(f"/refuse/{secret}/") == 500
    event = sink.wait_for("event")[0]
    sink.wait_for("transaction")
    assert event["request"]["url"].endswith("/refuse/[Filtered]/")
    assert event["exception"]["values"][0]["value"] == "/refuse/[Filtered]/ is over"
    assert secret.encode() not in bytes(sink.raw)


def test_it_works_when_gunicorn_forks_after_loading(sink, serve):
    """The thread that sends does not survive a fork; each worker needs its own."""
    site = serve(sink.dsn, "--preload", "--workers", "2")
    for _ in range(4):
        site.get("/examples/")
    sink.wait_for("event", 8)
