"""What is known of the request, task or command that is being worked on."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.functional import LazyObject, empty

from spotter.rescue import ignore
from spotter.spans import Span

if TYPE_CHECKING:
    from django.http import HttpRequest

#: Spans held at once; a command may run for days and ask for millions.
MAX_SPANS = 1000
#: The first spans, which an example keeps however many follow.
KEPT_SPANS = 200

# What a primary key looks like; a key that is an e-mail address is not an id.
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
# What a token can look like in a path: letters and digits, eight at least.
_TOKEN = re.compile(r"/(?=[^/]*[A-Za-z])(?=[^/]*\d)[^/]{8}")
#: A route, a user's id, and what the URL pattern takes out of the path.
Known = tuple[str, str, Mapping[str, Any] | None]
_Unknown: Mapping[str, Any] = {}
#: Ids that are drawn at once: to ask the kernel for each costs more than all else of it.
DRAWN_IDS = 64
_drawn: list[str] = []


def new_id() -> str:
    """Make 32 random hexadecimal digits, which is what W3C calls a trace id."""
    try:
        return _drawn.pop()
    except IndexError:
        # Not `random`: a host that seeds it would make the same ids twice.
        digits = os.urandom(16 * DRAWN_IDS).hex()
        _drawn.extend(digits[at : at + 32] for at in range(32, len(digits), 32))
        return digits[:32]


# A child of fork() would give away the ids that its parent gives away.
os.register_at_fork(after_in_child=_drawn.clear)


class Context:
    """
    One request's identity and running totals.

    Mutable on purpose: recorders add to it from whatever thread works on the request,
    since asgiref copies the context variable, not what it refers to. Who the user is
    and which route matched are looked up when asked for, because both are known only
    after the request has begun. Durations are seconds.
    """

    __slots__ = (
        "_arguments",
        "_foreseen",
        "_route",
        "_trace_id",
        "_user_id",
        "cache_hits",
        "cache_misses",
        "cache_seconds",
        "counted_spans",
        "db_queries",
        "db_seconds",
        "detailed",
        "drill",
        "exception",
        "first_spans",
        "repeats",
        "request",
        "request_id",
        "spans",
        "started",
        "task",
        "unseen_spans",
    )

    #: Who takes the spans of work that has more than it can hold.
    spill: Callable[[Context, list[Span]], None] | None = None

    def __init__(
        self,
        *,
        request_id: str = "",
        trace_id: str = "",
        user_id: str = "",
        route: str = "",
        request: HttpRequest | None = None,
    ) -> None:
        self.request_id = request_id
        self._trace_id = trace_id
        self._user_id = user_id
        self._route = route
        self._arguments: Mapping[str, Any] | None = None
        self._foreseen: Mapping[str, Any] | None = _Unknown
        #: The request while it lasts; None afterwards and outside any.
        self.request = request
        #: The drill that this is a part of; "" for what somebody really asked.
        self.drill = ""
        #: The class of the exception that made it fail.
        self.exception = ""
        self.db_queries = 0
        self.db_seconds = 0.0
        self.cache_hits = 0
        self.cache_misses = 0
        self.cache_seconds = 0.0
        #: When it began, by time.perf_counter(), as every span's `started` is.
        self.started = time.perf_counter()
        # Made now: two threads that work for one request may both have the first.
        self.spans: list[Span] = []
        # No list, unless there is something in it: until a request is added up, each is
        # one thing more that the garbage collector goes through.
        self.first_spans: Sequence[Span] = ()
        #: Whether spans are kept at all; without, they are only numbered.
        self.detailed = True
        self.unseen_spans = 0
        #: How many of `spans` were counted when the work ended; what it left behind,
        #: such as a task of the event loop, may go on adding to them.
        self.counted_spans = 0
        #: The asyncio task that answers, whose line awaits what a thread does for it.
        self.task: asyncio.Task[Any] | None = None
        #: How often each statement came, and at which time each line was told about.
        self.repeats: dict[int | tuple[int, Any], int] = {}

    def put_span(self, span: Span) -> None:
        """Keep what was waited for; hand the lot over before it becomes too much."""
        if not self.detailed:
            self.unseen_spans += 1
            return
        spans = self.spans
        spans.append(span)
        if len(spans) < MAX_SPANS:
            return
        self.spans = []
        self.repeats = {}
        self.first_spans = self.first_spans or spans[:KEPT_SPANS]
        counted, self.counted_spans = self.counted_spans, 0
        if Context.spill is not None:
            Context.spill(self, spans[counted:] if counted else spans)

    def drop_spans(self) -> None:
        """Keep of what was waited for only how much it was."""
        self.unseen_spans += len(self.spans)
        self.spans, self.first_spans, self.repeats = [], (), {}

    @property
    def trace_id(self) -> str:
        """The trace that this belongs to; one of its own when none came in."""
        if not self._trace_id:
            self._trace_id = new_id()
        return self._trace_id

    @trace_id.setter
    def trace_id(self, value: str) -> None:
        self._trace_id = value

    @property
    def user_id(self) -> str:
        """The primary key of the user, once something else has looked it up."""
        if not self._user_id and self.request is not None:
            return user_id_of(self.request)
        return self._user_id

    @user_id.setter
    def user_id(self, value: str) -> None:
        self._user_id = value

    @property
    def route(self) -> str:
        """The URL pattern that matched; empty before one has."""
        if not self._route and self.request is not None:
            return route_of(self.request)
        return self._route

    @route.setter
    def route(self, value: str) -> None:
        self._route = value

    @property
    def arguments(self) -> Mapping[str, Any] | None:
        """
        What the URL pattern takes out of the path, by name; None when none does.

        Of a request that no pattern has matched it is found out, if there may be a
        secret in its path: it may be sent elsewhere before it gets so far, to HTTPS or
        to the address with a slash at the end.
        """
        request = self.request
        if request is None:
            return self._arguments
        match = getattr(request, "resolver_match", None)
        if match is not None:
            known: Mapping[str, Any] = match.kwargs
            return known
        if self._foreseen is _Unknown:
            self._foreseen = None  # Whoever looks may log something.
            if _TOKEN.search(getattr(request, "path_info", "")):
                self._foreseen = foreseen_arguments(request)
        return self._foreseen

    def example_spans(self) -> Sequence[Span]:
        """The spans that an example shows: the first ones."""
        return self.first_spans or self.spans[:KEPT_SPANS]

    def let_go(self) -> Known:
        """
        Keep what is known and drop the request, which a thread may outlive.

        Gives the route, the user's id and the pattern's arguments.
        """
        request = self.request
        if request is not None:
            self._user_id = self._user_id or user_id_of(request)
            self._route = self._route or route_of(request)
            self._arguments = self.arguments
            self.request = None
        self.task = None
        return self._route, self._user_id, self._arguments


def user_id_of(request: HttpRequest) -> str:
    """
    Give the user's id if it is known already, else an empty string.

    Asking `request.user` could read the session and the database: a request that does
    not care who the user is must not pay for that.
    """
    known = request.__dict__
    user: Any = known.get("user")
    if user is None:
        return ""
    if isinstance(user, LazyObject):
        user = user._wrapped
        if user is empty:
            user = known.get("_cached_user") or known.get("_acached_user")
    try:
        key = getattr(user, "pk", None)
        text = "" if key is None else str(key)
    except Exception:  # noqa: BLE001 (their code, asked for each line that is logged)
        return ""
    return text if _IDENTIFIER.fullmatch(text) else ""


def route_of(request: HttpRequest) -> str:
    """Give the pattern that matched, as `/clients/<int:pk>/`, or an empty string."""
    match = getattr(request, "resolver_match", None)
    if match is None:
        return ""
    return route_text(match.route or "")


def foreseen_arguments(request: HttpRequest) -> Mapping[str, Any] | None:
    """What a URL pattern would take out of a path that none has been asked about yet."""
    # Here: this module is there before Django's apps are, when logging is set up.
    from django.urls import resolve

    paths = [request.path_info]
    if settings.APPEND_SLASH and not request.path_info.endswith("/"):
        paths.append(f"{request.path_info}/")
    for path in paths:
        with ignore(), contextlib.suppress(Exception):
            return resolve(path, getattr(request, "urlconf", None)).kwargs
    return None


@functools.lru_cache(maxsize=4096)
def route_text(pattern: str) -> str:
    """A URL pattern as it is shown; the same string each time, which is kept by many."""
    return "/" + pattern.lstrip("^/")


_current: contextvars.ContextVar[Context | None] = contextvars.ContextVar(
    "spotter_context", default=None
)

#: The context of the work in hand, or None outside any.
current = _current.get
#: Make a context current; gives the token that `leave` takes.
enter = _current.set
#: Go back to what was current before.
leave = _current.reset
