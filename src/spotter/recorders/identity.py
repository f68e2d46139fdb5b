"""Which request this is: ids taken from its headers when they are well-formed."""

from __future__ import annotations

import re

from django.http import HttpRequest

from spotter import conf, privacy
from spotter.context import Context, new_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:+/=-]{1,128}")
_LETTER = re.compile(r"[A-Za-z]")
# https://www.w3.org/TR/trace-context/: a later version may append fields.
_TRACEPARENT = re.compile(
    r"(?:00|(?!00|ff)[0-9a-f]{2}(?=.{53}(?:-|$)))"
    r"-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)


def identify(request: HttpRequest) -> Context:
    """Begin the context of a request with its request id and trace id."""
    headers = request.META
    parent = headers.get("HTTP_TRACEPARENT")
    trace_id = trace_id_of(parent) if parent else ""
    given = headers.get("HTTP_X_REQUEST_ID")
    if given and conf.get_settings().accept_request_id and is_well_formed(given):
        return Context(request_id=given, trace_id=trace_id, request=request)
    # One id serves as both: whoever has either finds the request.
    trace_id = trace_id or new_id()
    return Context(request_id=trace_id, trace_id=trace_id, request=request)


def trace_id_of(traceparent: str | None) -> str:
    """Give the trace id of a valid `traceparent` header, else an empty string."""
    if not traceparent or len(traceparent) > 512:
        return ""
    match = _TRACEPARENT.fullmatch(traceparent.strip())
    if not match or (match[2] and traceparent.startswith("00")):
        return ""
    return match[1]


def is_well_formed(request_id: str) -> bool:
    """
    Whether an id from outside may stand in every log line and response.

    It is what anyone wishes to send, so what looks like a telephone number, a card
    or an address is refused; those have no letter in them, which most ids have.
    """
    if not _REQUEST_ID.fullmatch(request_id):
        return False
    if _LETTER.search(request_id):
        return True
    return privacy.scrub_text(request_id) == request_id
