"""Slow work in a thread of its own: one run at a time, remembered for a while."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import connections

from spotter.rescue import ignore

T = TypeVar("T")

#: A run that has not come back by then is given up, and another one is tried.
GIVE_UP_SECONDS = 30.0
#: Given-up runs whose threads still hang; no more are tried until one comes back.
MAX_GIVEN_UP = 3
#: Under WSGI a waiting request holds a thread of the server. So many may wait for one
#: group of flights; the rest is answered at once with what was known before.
MAX_WAITING = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Landing(Generic[T]):
    """How a run ended: with a value or an error, after how long, late or not."""

    value: T | None
    error: Exception | None
    seconds: float
    late: bool
    at: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sight(Generic[T]):
    """What is known now; `overdue_seconds` is set while a run is over its time."""

    landing: Landing[T] | None
    overdue_seconds: float | None


@dataclasses.dataclass(slots=True)
class Run:
    """A run in flight; the future only tells that it is over."""

    started_at: float
    over: concurrent.futures.Future[None]


class Flight(Generic[T]):
    """
    A callable, run at most once at a time, each time in a daemon thread.

    Args:
        name: for the thread's name.
        call: takes nothing; may hang, in which case its thread is never waited for.
        ttl_seconds: how long a result is good for; 0 runs anew each time.
        timeout_seconds: a run that takes longer is late, whatever it brings.
    """

    def __init__(
        self,
        name: str,
        call: Callable[[], T],
        *,
        ttl_seconds: float,
        timeout_seconds: float,
    ) -> None:
        self.name = name
        self.call = call
        self.ttl_seconds = ttl_seconds
        self.timeout_seconds = timeout_seconds
        self.forget()
        _flights.add(self)

    def forget(self) -> None:
        """Start from nothing, as in a forked child, where the threads are gone."""
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._landing: Landing[T] | None = None
        self._fresh_until = 0.0
        self._given_up = 0

    def start(self) -> concurrent.futures.Future[None] | None:
        """Start a run unless one is under way or its result still good."""
        now = time.monotonic()
        with self._lock:
            if self._run and not self._may_give_up(now):
                return None if self._is_overdue(now) else self._run.over
            if not self._run and now < self._fresh_until:
                return None
            self._given_up += self._run is not None
            # A future that is running cannot be cancelled by a reader that gives up.
            over: concurrent.futures.Future[None] = concurrent.futures.Future()
            over.set_running_or_notify_cancel()
            self._run = run = Run(now, over)
        name = f"spotter-{self.name}"
        thread = threading.Thread(target=self._fly, args=(run,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the process may start no more threads
            self._land(run, None, error)
        return over

    def see(self) -> Sight[T]:
        """What is known, without waiting."""
        now = time.monotonic()
        with self._lock:
            overdue = now - self._run.started_at if self._run else 0.0
            return Sight(
                landing=self._landing,
                overdue_seconds=overdue if self._is_overdue(now) else None,
            )

    def _is_overdue(self, now: float) -> bool:
        run = self._run
        return run is not None and now - run.started_at >= self.timeout_seconds

    def _may_give_up(self, now: float) -> bool:
        run = self._run
        patience = max(GIVE_UP_SECONDS, self.timeout_seconds)
        return (
            run is not None
            and now - run.started_at >= patience
            and self._given_up < MAX_GIVEN_UP
        )

    def _fly(self, run: Run) -> None:
        with ignore():
            try:
                self._land(run, self.call(), None)
            except Exception as error:  # noqa: BLE001 (the reader of the landing tells)
                self._land(run, None, error)
            finally:
                # The thread ends here, and nobody else could ever close them.
                connections.close_all()

    def _land(self, run: Run, value: T | None, error: Exception | None) -> None:
        now = time.monotonic()
        seconds = now - run.started_at
        late = seconds >= self.timeout_seconds
        with self._lock:
            if run is self._run:
                self._run = None
                self._landing = Landing(
                    value=value, error=error, seconds=seconds, late=late, at=time.time()
                )
                # What came late is already old: look again at once.
                self._fresh_until = 0.0 if late else now + self.ttl_seconds
            else:
                self._given_up -= 1
        run.over.set_result(None)


class Fleet:
    """Flights that are waited for together, within one budget."""

    def __init__(self, flights: Sequence[Flight[Any]]) -> None:
        self.flights = flights
        self._seats = threading.BoundedSemaphore(MAX_WAITING)
        _fleets.add(self)

    def forget(self) -> None:
        """As `Flight.forget`: who held a seat is not in this process."""
        self._seats = threading.BoundedSemaphore(MAX_WAITING)

    def gather(self, budget_seconds: float) -> list[Sight[Any]]:
        """Run what is due and see what has come back within the budget."""
        pending = self._start()
        seats = self._seats
        if pending and seats.acquire(blocking=False):
            with contextlib.ExitStack() as stack:
                stack.callback(seats.release)
                concurrent.futures.wait(pending, budget_seconds)
        return [flight.see() for flight in self.flights]

    async def agather(self, budget_seconds: float) -> list[Sight[Any]]:
        """As `gather`, without blocking the event loop or using its executor."""
        pending = self._start()
        if pending:
            await asyncio.wait(
                map(asyncio.wrap_future, pending), timeout=budget_seconds
            )
        return [flight.see() for flight in self.flights]

    def _start(self) -> list[concurrent.futures.Future[None]]:
        started = (flight.start() for flight in self.flights)
        return [over for over in started if over is not None]


_flights: weakref.WeakSet[Flight[Any]] = weakref.WeakSet()
_fleets: weakref.WeakSet[Fleet] = weakref.WeakSet()


def _forget_all() -> None:
    for flight in _flights:
        flight.forget()
    for fleet in _fleets:
        fleet.forget()


# `gunicorn --preload` forks workers from a process that may have flown already.
os.register_at_fork(after_in_child=_forget_all)
