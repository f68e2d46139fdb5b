"""Empties the buffer into the store, on a thread of its own and never on a request."""

from __future__ import annotations

import collections
import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable

from django.core import mail

from spotter import conf
from spotter.entries import Batch
from spotter.exceptions import ConfigurationError
from spotter.recording import ending
from spotter.recording.bounds import Bounds
from spotter.recording.budget import budget
from spotter.recording.measures import Item, Measures
from spotter.rescue import ignore, rescue
from spotter.stores.contract import RefusedError, StoreError
from spotter.stores.current import get_store

logger = logging.getLogger("spotter.recording")

#: Batches kept while the store can't take them: ten minutes at the default interval.
MAX_PENDING = 120
#: Points kept in all those batches together.
MAX_PENDING_POINTS = 20_000
#: Points from which on a batch is written before its time: half a megabyte.
LARGE = 500
#: The longest that a process which ends is held up by a last flush.
LAST_FLUSH_SECONDS = 3.0
#: The shortest time by which the share of a core is judged.
JUDGE_SECONDS = 2.0
#: How often a store that fails is spoken of in the log.
COMPLAIN_SECONDS = 300.0


class Flusher:
    """
    Adds up what waits and writes it, every few seconds.

    A batch that could not be written is kept and tried again under the same id, so
    that it counts once even if the store took it and could not say so.
    """

    def __init__(self, items: collections.deque[Item]) -> None:
        self._items = items
        self._bounds = Bounds()
        self._samplers: list[Sampler] = []
        #: Who else gets every batch of this process.
        self.listeners: list[Callable[[Batch], object]] = []
        #: One for each item that found no room; a list, since += is not atomic.
        self.missed: list[int] = []
        self._forget()
        ending.at_exit(self.finish)

    def _forget(self) -> None:
        """Begin as a process that has captured nothing."""
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._woken = threading.Event()
        self._pending: collections.deque[Batch] = collections.deque()
        self._measures = Measures(self._bounds)
        self._complained_at = float("-inf")
        self._spent_seconds = 0.0
        self._judged_at = time.monotonic()
        self._judged_seconds = 0.0
        self._thread: threading.Thread | None = None
        self.is_running = False
        self._has_written = False

    def after_fork(self) -> None:
        """Leave to the parent what is the parent's."""
        self._items.clear()
        self.missed.clear()
        self._forget()

    def stop(self) -> None:
        """End the thread and drop what waits, as between two tests of one process."""
        thread, woken = self._thread, self._woken
        self._thread = None  # First: whoever finds the next event finds this, too.
        self.after_fork()
        woken.set()
        if thread is not None and thread.is_alive():
            thread.join()

    def add_sampler(self, read: Callable[[], None], every_seconds: float) -> None:
        """Call `read` at this interval, once for each function."""
        if all(known.read != read for known in self._samplers):
            self._samplers.append(Sampler(read, every_seconds))

    def wake(self) -> None:
        """Make sure that the thread runs, and is not asleep while much waits."""
        if self.is_running:
            # Each of the requests until it comes round would pay for telling it again.
            if not self._woken.is_set():
                self._woken.set()
            return
        if not self._starting.acquire(blocking=False):
            return  # Another thread of this process is at it.
        try:
            self._start()
        finally:
            self._starting.release()

    def _start(self) -> None:
        if self.is_running:
            return
        self.is_running = True
        ending.mind_child()
        self._thread = threading.Thread(
            target=self._run, name="spotter-flush", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:
            # No thread can be had at all, or the interpreter is shutting down: the
            # flush at exit takes what fits.
            logger.warning("spotter could not start its thread; it writes at exit")

    def _run(self) -> None:
        with ignore():
            due = time.monotonic() + interval_seconds()
            while True:
                wake = self._woken
                if self._thread is not threading.current_thread():
                    return
                woken = wake.wait(max(0.0, due - time.monotonic()))
                wake.clear()
                if woken and time.monotonic() < due:
                    self._add_up_early()
                    continue
                for each in self._samplers:
                    each.read_if_due()
                if self.flush() and self._has_written:
                    with rescue("keep house in the store"):
                        self.keep_house()
                due = time.monotonic() + interval_seconds()

    def flush(self) -> bool:
        """Add up and write everything; False when the store could not take it."""
        is_written = False
        # What is rescued here is no StoreError but a mistake of ours.
        with self._lock, rescue("write what was measured"):
            is_written = self._flush()
        return is_written

    def keep_house(self) -> None:
        """Roll up and trim the store if nobody else did in the last minute."""
        if not is_wanted():
            return
        try:
            get_store().keep_house(time.time())
        except StoreError as error:
            self._complain(error)

    def relieve(self, most: int) -> None:
        """Add up so many on the caller's thread, unless somebody is at it or writes."""
        lock = self._lock
        if not lock.acquire(blocking=False):
            return
        try:
            with ignore():
                if self._add_up(most) or len(self._items) >= most:
                    self._woken.set()  # To write, or to add up all, may take long.
        finally:
            lock.release()

    def _add_up_early(self) -> None:
        # The thread must go on: nobody would start another one.
        with self._lock, rescue("add up what was captured"):
            if self._add_up():
                self._flush()

    def _flush(self) -> bool:
        is_more = True
        while is_more:
            is_more = self._add_up()
            self._keep_to_budget()
            batch = self._take_batch()
            if batch is not None:
                for listen in self.listeners:
                    with rescue("hand a batch on"):
                        listen(batch)
            if batch is not None and is_wanted():
                self._keep(batch)
            is_written = self._write_pending()
        return is_written

    def _add_up(self, most: int = sys.maxsize) -> bool:
        """
        Ask each item what to measure; those that come meanwhile wait their turn.

        True when it stopped because the batch is large enough to be written.
        """
        started = time.thread_time()
        try:
            return self._add_up_waiting(min(len(self._items), most))
        finally:
            self._spent_seconds += time.thread_time() - started

    def _add_up_waiting(self, number: int) -> bool:
        for _ in range(number):
            if len(self._measures.batch.points) >= LARGE:
                return True
            item = self._items.popleft()
            try:
                item.measure(self._measures)
            except Exception:
                with rescue("add up what was captured"):
                    raise
        return False

    def _keep_to_budget(self) -> None:
        """Look at fewer requests in detail when that takes too much of a core."""
        now = time.monotonic()
        self._judged_seconds += self._spent_seconds
        if now - self._judged_at < JUDGE_SECONDS:
            return
        if budget.spent(self._judged_seconds, now - self._judged_at):
            logger.warning(
                "spotter's adding up takes more than its share of a core or does no "
                "longer: one request of %d is now looked at in detail",
                round(1 / budget.share),
            )
        if budget.share < 1:
            point = self._measures.point("spotter.detail.share", {}, time.time())
            point.set(budget.share, time.time())
        self._judged_at, self._judged_seconds = now, 0.0

    def _take_batch(self) -> Batch | None:
        measures, self._measures = self._measures, Measures(self._bounds)
        now = time.time()
        if self.missed:
            measures.drop("telemetry", "buffer full", now, len(self.missed))
            self.missed.clear()
        if not measures.batch.points and not measures.batch.samples:
            return None
        measures.point("spotter.capture.duration", {}, now).note(self._spent_seconds)
        self._spent_seconds = 0.0
        return measures.batch

    def _keep(self, batch: Batch) -> None:
        """Queue a batch for the store; the oldest go when there are too many."""
        self._pending.append(batch)
        dropped = 0
        while len(self._pending) > 1 and self._is_too_much():
            dropped += len(self._pending.popleft().points)
        if dropped:
            self._measures.drop("telemetry", "store unavailable", time.time(), dropped)

    def _is_too_much(self) -> bool:
        points = sum(len(batch.points) for batch in self._pending)
        return len(self._pending) > MAX_PENDING or points > MAX_PENDING_POINTS

    def _write_pending(self) -> bool:
        """Write the oldest first, and stop at the first that fails."""
        while self._pending:
            started = time.perf_counter()
            try:
                get_store().write(self._pending[0])
            except Exception as error:
                if isinstance(error, StoreError) and not isinstance(
                    error, RefusedError
                ):
                    self._complain(error)
                    return False
                # No fault of the store's: it would fail again and again, and hold up
                # whatever comes after it.
                lost = len(self._pending.popleft().points)
                self._measures.drop("telemetry", "not writable", time.time(), lost)
                raise
            self._pending.popleft()
            self._has_written = True
            seconds = time.perf_counter() - started
            self._measures.point("spotter.flush.duration", {}, time.time()).note(
                seconds
            )
        return True

    def _complain(self, error: StoreError) -> None:
        now = time.monotonic()
        if now - self._complained_at >= COMPLAIN_SECONDS:
            self._complained_at = now
            logger.warning(
                "spotter keeps measurements in memory, its store fails: %s", error
            )

    def finish(self) -> None:
        """Write what is left before the process ends, without holding it up for long."""
        if not self._items and not self._pending and not self.is_running:
            return
        # On a thread, since a store that hangs must not hang the end.
        last = threading.Thread(target=self.flush, name="spotter-last", daemon=True)
        try:
            last.start()
        except RuntimeError:
            self.flush()  # The interpreter starts no thread any more.
            return
        last.join(LAST_FLUSH_SECONDS)


class Sampler:
    """A function that takes readings, and when it is due again."""

    def __init__(self, read: Callable[[], None], every_seconds: float) -> None:
        self.read = read
        self.every_seconds = every_seconds
        self.due = float("-inf")

    def read_if_due(self) -> None:
        """Take the readings unless they were just taken."""
        now = time.monotonic()
        if now >= self.due:
            self.due = now + self.every_seconds
            with rescue("take readings"):
                self.read()


def interval_seconds() -> float:
    """How long to gather before writing; the default where the setting is no duration."""
    with contextlib.suppress(ConfigurationError):
        seconds = conf.get_settings().flush_seconds
        if conf.is_duration(seconds):
            return seconds
    return conf.DEFAULTS.flush_seconds


def is_wanted() -> bool:
    """
    Whether measurements are to be written at all.

    Not in the middle of somebody's test suite, unless its settings name a store.
    """
    settings = conf.get_settings()
    return settings.recording and (bool(settings.store) or not hasattr(mail, "outbox"))
