"""A request keeps the id it came with if that can be trusted in a log line."""

from __future__ import annotations

import pytest
from django.test import RequestFactory, override_settings

from spotter.recorders.identity import identify, is_well_formed, trace_id_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def identified(**headers):
    return identify(RequestFactory().get("/", headers=headers))


@pytest.mark.parametrize("given", ["a", "4f1c-b/2=", "A" * 128, "req:1.2_3+4"])
def test_a_well_formed_request_id_is_kept(given):
    assert identified(x_request_id=given).request_id == given


@pytest.mark.parametrize(
    "given",
    [
        "A" * 129,
        "a b",
        "a\nb",
        "a\x1b[2J",
        "ann@example.com",
        "é",
        "a,b",
        '"a"',
        "\u0661a",
    ],
)
def test_any_other_request_id_is_replaced_by_one_of_ours(given):
    made = identified(x_request_id=given).request_id
    assert made != given
    assert len(made) == 32


def test_a_traceparent_gives_the_trace_id_and_the_request_id():
    context = identified(traceparent=PARENT)
    assert (context.trace_id, context.request_id) == (TRACE, TRACE)


def test_a_request_id_goes_before_a_traceparent():
    context = identified(traceparent=PARENT, x_request_id="mine")
    assert (context.trace_id, context.request_id) == (TRACE, "mine")


def test_without_a_traceparent_the_trace_id_is_made_once():
    context = identified(x_request_id="mine")
    assert len(context.trace_id) == 32
    assert context.trace_id == context.trace_id


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
        f"00-{TRACE}-00f067aa0ba902b7-01-more",
        f"01-{TRACE}-00f067aa0ba902b7-01more",
        f"00-{TRACE}-00f067aa0ba902b7",
        f"00-{TRACE[:-1]}-00f067aa0ba902b7-01",
        PARENT + "x" * 600,
    ],
)
def test_what_the_w3c_calls_invalid_is_no_traceparent(header):
    assert trace_id_of(header) == ""


def test_a_later_version_may_append_fields_to_traceparent():
    assert trace_id_of(f"01-{TRACE}-00f067aa0ba902b7-01-more") == TRACE


def test_two_requests_get_two_ids():
    assert identified().request_id != identified().request_id


@override_settings(SPOTTER={"ACCEPT_REQUEST_ID": False})
def test_no_request_id_is_accepted_where_that_is_turned_off():
    assert identified(x_request_id="mine").request_id != "mine"


def test_a_request_id_that_is_scrubbed_in_logs_is_refused(monkeypatch):
    monkeypatch.setattr("spotter.privacy.scrub_text", lambda text: "[card]")
    assert not is_well_formed("4111111111111111")
    assert is_well_formed("a4111111111111111")
