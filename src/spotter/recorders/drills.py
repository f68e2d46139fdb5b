"""Requests that a drill sends to the running server: fail or be slow, when told so."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from spotter.context import Context, current
from spotter.rescue import rescue

#: The header of an order, as META has it and as it is sent.
HEADER, SENT_HEADER = "HTTP_X_SPOTTER_DRILL", "X-Spotter-Drill"
SALT = "spotter.drill"
#: What the address of drills ends with.
PATH = "/drill/"
#: How long an order is good for.
GOOD_SECONDS = 120
#: What one order may ask for, and how many are slow at once in one process.
MAX_SECONDS, MAX_AT_ONCE = 10.0, 2
MAX_LENGTH = 1024

_seats = threading.BoundedSemaphore(MAX_AT_ONCE)


logger = logging.getLogger("spotter.drills")


class SyntheticFailure(Exception):  # noqa: N818 (what a log line calls it)
    """What a drill asked for; nothing is broken."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one request is to do: answer with a status after so many seconds."""

    drill: str
    status: int = 200
    seconds: float = 0.0

    def signed(self) -> str:
        """The header's value; made of SECRET_KEY, so nobody else can."""
        return signing.dumps(dataclasses.asdict(self), salt=SALT)


def order_in(text: str) -> Order | None:
    """The order in a header; None when it is forged, old or out of bounds."""
    if len(text) > MAX_LENGTH:
        return None
    try:
        order = Order(**signing.loads(text, salt=SALT, max_age=GOOD_SECONDS))
    except (signing.BadSignature, TypeError):
        return None
    is_bounded = 200 <= order.status <= 599 and 0 <= order.seconds <= MAX_SECONDS
    return order if is_bounded else None


def join(request: HttpRequest, context: Context) -> None:
    """
    Let a request with a valid order be measured as a part of its drill.

    Its queries are not looked at in detail: a statement that is seen for the first time
    must be kept as somebody's, and a drill keeps no examples.
    """
    with rescue("read a drill's order"):
        order = order_in(request.META[HEADER])
        # Nowhere else: an order that somebody overheard must hide nothing.
        if order is not None and request.path_info.endswith(PATH):
            context.drill = order.drill
            context.detailed = False


@never_cache
def carry_out(request: HttpRequest) -> HttpResponse:
    """
    Do what a signed order asks, behind the whole of the project's middleware.

    Without a valid order there is nothing here: 404. A project that measures nothing
    could not keep the drill apart, so it answers 404 too.
    """
    work, order = current(), order_in(request.META.get(HEADER, ""))
    if order is None or work is None or work.drill != order.drill:
        return answer("no such order\n", 404)
    if order.seconds:
        if not _seats.acquire(blocking=False):
            return answer("enough are slow already\n", 429)
        try:
            time.sleep(order.seconds)
        finally:
            _seats.release()
    if order.status == 500:
        raise SyntheticFailure(f"[DRILL] of {order.drill}: nothing is broken")
    return ordered(order.drill, order.status)


def answer_to(error: Exception) -> HttpResponse | None:
    """
    The answer to a drill's failure, once all of the project's middleware has seen it.

    Django would log it as an error, which its AdminEmailHandler mails to ADMINS.
    """
    work = current()
    if not isinstance(error, SyntheticFailure) or work is None:
        return None
    return ordered(work.drill, 500)


def ordered(drill: str, status: int) -> HttpResponse:
    """The answer to an order; what it is like is told here and not as an error."""
    logger.info("[DRILL] of %s: answered %d as it was asked to", drill, status)
    response = answer("[DRILL]\n", status)
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def answer(text: str, status: int) -> HttpResponse:
    """A line of text."""
    response = HttpResponse(text, status=status, content_type="text/plain")
    response[SENT_HEADER] = str(status)
    return response


# Behind Django's LoginRequiredMiddleware too: the order itself is the key.
carry_out.login_required = False  # type: ignore[attr-defined]
