"""Misbehaviour on demand, for demonstrations and drills."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse

from trainerhub.bookings.models import Booking

HEADER = "X-TrainerHub-Fault"
SIGNATURE_SECONDS = 300
BOOKINGS_READ = 50
CACHE_KEYS_READ = 200
SLOW_QUERY_SECONDS = 0.5
SLOW_QUERY_ROWS = 2_000_000
SLOW_ENDPOINT_SECONDS = 2.5
MEBIBYTE = 1024 * 1024
GROWTH_BYTES = 4 * MEBIBYTE
MEMORY_LIMIT_BYTES = 256 * MEBIBYTE

_signer = signing.TimestampSigner(salt="trainerhub.demo.faults")
_kept: list[bytes] = []


class DemonstrationError(Exception):
    """Raised on purpose, and left unhandled, by the fault `error-burst`."""


def read_bookings_one_by_one() -> None:
    """Ask for the client and the service of each booking anew."""
    for booking in Booking.objects.all()[:BOOKINGS_READ]:
        str(booking.client)
        str(booking.service)


def run_slow_statement() -> None:
    """Keep the database busy with one statement."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_sleep(%s)", [SLOW_QUERY_SECONDS])
        else:
            cursor.execute(
                "WITH RECURSIVE busy(n) AS (SELECT 1 UNION ALL"
                " SELECT n + 1 FROM busy WHERE n < %s) SELECT max(n) FROM busy",
                [SLOW_QUERY_ROWS],
            )
        cursor.fetchone()


def fail() -> None:
    """Raise what no code of the project handles."""
    raise DemonstrationError("the fault error-burst was asked for")


def miss_the_cache() -> None:
    """Look for keys that nobody has set."""
    for _ in range(CACHE_KEYS_READ):
        cache.get(f"demonstration:{uuid.uuid4()}")


def sleep_in_python() -> None:
    """Keep the client waiting without working."""
    time.sleep(SLOW_ENDPOINT_SECONDS)


def keep_memory() -> None:
    """Keep some memory for good, up to a limit for each process."""
    if kept_bytes() + GROWTH_BYTES <= MEMORY_LIMIT_BYTES:
        # Written to, since the kernel gives no memory for zeros that nobody wrote.
        _kept.append(b"x" * GROWTH_BYTES)


def kept_bytes() -> int:
    """How much `memory-growth` holds in this process."""
    return sum(map(len, _kept))


FAULTS: dict[str, Callable[[], None]] = {
    "n-plus-one": read_bookings_one_by_one,
    "slow-query": run_slow_statement,
    "error-burst": fail,
    "cache-miss-storm": miss_the_cache,
    "slow-endpoint": sleep_in_python,
    "memory-growth": keep_memory,
}


def sign(fault: str) -> str:
    """Give the header's value that asks for a fault in the next five minutes."""
    return _signer.sign(fault)


def asked_for(request: HttpRequest) -> str:
    """The fault that a request asks for; empty when unknown, unsigned or stale."""
    value = request.headers.get(HEADER, "")
    if not value:
        return ""
    try:
        fault = _signer.unsign(value, max_age=SIGNATURE_SECONDS)
    except signing.BadSignature:
        return ""
    return fault if fault in FAULTS else ""


class FaultMiddleware:
    """
    Let a signed request of `manage.py simulate` make the server misbehave.

    The misbehaviour happens where a view's would: after the address was resolved, and
    with exceptions that Django turns into a 500. The answer names the fault that was
    carried out, so that the simulation counts what happened, not what it asked for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        fault = request.META.get("trainerhub.fault")
        if fault:
            response[HEADER] = fault
        return response

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        fault = asked_for(request) if settings.FAULTS_ENABLED else ""
        if fault:
            request.META["trainerhub.fault"] = fault
            FAULTS[fault]()
