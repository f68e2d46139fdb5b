"""Who made the request: the id alone, and never a query to find it out."""

from __future__ import annotations

import contextvars
import weakref
from typing import Any

from django.http import HttpRequest
from django.utils.functional import LazyObject, empty

from spotter import context

_request: contextvars.ContextVar[weakref.ref[HttpRequest] | None] = (
    contextvars.ContextVar("spotter_errors_request", default=None)
)


def remember(request: HttpRequest) -> None:
    """Let events that happen during this request carry its user's id."""
    _request.set(weakref.ref(request))


def current_request() -> HttpRequest | None:
    """The request that is being worked on, while it lasts."""
    reference = _request.get()
    return reference() if reference else None


def current_user_id() -> str:
    """The user's primary key if it is known already, else an empty string."""
    request = current_request()
    known = getattr(context.current(), "user_id", "")
    return known or (_evaluated_id(request.__dict__) if request else "")


def _evaluated_id(held: dict[str, Any]) -> str:
    # Evaluating a lazy user would ask the database: within a failing transaction it
    # would fail again, and under ASGI it would raise.
    user = held.get("user")
    if isinstance(user, LazyObject):
        user = user._wrapped if user._wrapped is not empty else held.get("_cached_user")
    pk = getattr(user, "pk", None)
    return "" if pk is None else str(pk)
