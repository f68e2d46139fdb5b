"""What is known of the request, task or command that is being worked on."""

from __future__ import annotations

import contextvars
import dataclasses


@dataclasses.dataclass(slots=True, kw_only=True)
class Context:
    """
    One request's identity and running totals.

    Mutable on purpose: recorders add to it from whatever thread works on the request,
    since asgiref copies the context variable, not what it refers to. Durations are
    seconds.
    """

    request_id: str = ""
    trace_id: str = ""
    user_id: str = ""
    route: str = ""
    db_queries: int = 0
    db_seconds: float = 0.0
    cache_hits: int = 0
    cache_misses: int = 0


_current: contextvars.ContextVar[Context | None] = contextvars.ContextVar(
    "spotter_context", default=None
)

#: The context of the work in hand, or None outside any.
current = _current.get
#: Make a context current; gives the token that `leave` takes.
enter = _current.set
#: Go back to what was current before.
leave = _current.reset
