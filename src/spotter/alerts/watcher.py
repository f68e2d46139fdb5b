"""
The watcher: one process that probes, evaluates and delivers, whatever else is down.

It needs neither the application's database nor its cache nor its task queue: it asks
them, with time-outs, as anybody else would. Of several watchers one leads; who can't
tell whether another leads speaks itself, since receivers know an incident by its key.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import logging
import os
import pathlib
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence

import urllib3
from django.conf import settings as django_settings
from django.db import connections

from spotter import conf, recording
from spotter.alerts import announcements, jobs, outages
from spotter.alerts.book import Book, Page
from spotter.alerts.clock import Clock
from spotter.alerts.engine import Engine, Evidence, Place
from spotter.alerts.evidence import gather
from spotter.alerts.heartbeats import Heartbeat
from spotter.alerts.outages import Outages
from spotter.alerts.outbox import Outbox
from spotter.alerts.probing import Prober, agreed
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.alerts.sources import Source
from spotter.alerts.spare import Spare, spare_path
from spotter.channels import Channel
from spotter.exceptions import ConfigurationError
from spotter.health.runner import get_runner
from spotter.probes import Monitor
from spotter.rescue import ignore, rescue
from spotter.stores.contract import StoreError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

logger = logging.getLogger("spotter.watcher")

#: The lead is another's when its holder has not been heard of for so long.
LEAD_SECONDS = 15.0
HEARTBEAT_SECONDS, TRIM_SECONDS, COPY_SECONDS = 60.0, 3600.0, 10.0
#: How often what is due is sent.
DELIVER_SECONDS = 0.5


class Watcher:
    """
    Everything of one watcher; `run` until `stop`.

    Args:
        rules, channels, monitors: those of the settings when None.
    """

    def __init__(
        self,
        *,
        rules: Sequence[Rule] | None = None,
        channels: Sequence[Channel] | None = None,
        monitors: Sequence[Monitor] | None = None,
        clock: Clock | None = None,
    ) -> None:
        settings = conf.get_settings()
        store = get_store()
        if not isinstance(store, SqlStore):
            raise ConfigurationError("The watcher needs a store with tables.")
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.clock = clock or Clock()
        self.book = Book(store)
        self.spare = Spare(spare_path(store, var_folder()))
        self.source = Source(get_store)
        self.channels = list(configured_channels() if channels is None else channels)
        self.monitors = list(configured_monitors() if monitors is None else monitors)
        self.engine = Engine(
            configured_rules(self.current) if rules is None else rules,
            self.channels,
            place(),
            self._evidence(),
        )
        self.outbox = Outbox(self.channels)
        self.prober, self.outages = Prober(), Outages()
        self.is_leading = False
        self.is_on_spare = False
        self._interval = settings.watch_seconds
        self._seen_at: float | None = None
        self._due: dict[str, float] = {}
        self._stopping = threading.Event()
        self._threads = concurrent.futures.ThreadPoolExecutor(
            min(8 + len(self.monitors), 40), thread_name_prefix="spotter-watch"
        )
        self._busy: dict[str, concurrent.futures.Future[None]] = {}

    def current(self) -> Book:
        """The book in use."""
        return self.spare.book if self.is_on_spare else self.book

    def run(self) -> None:
        """Watch until `stop`, or for ever."""
        recording.listen(self.source.remember)
        with ignore():
            with rescue("look for jobs"):
                jobs.discover()
            sender = threading.Thread(target=self._send, name="spotter-outbox")
            sender.start()
            try:
                while not self._stopping.is_set():
                    started = time.monotonic()
                    with rescue("watch"):
                        self.cycle()
                    spent = time.monotonic() - started
                    recording.summarize("spotter.watcher.cycle.duration", spent)
                    self._stopping.wait(max(0.2, self._interval - spent))
            finally:
                self._stopping.set()
                sender.join()
                recording.unlisten(self.source.remember)
                self._leave()

    def stop(self) -> None:
        """Ask it to end."""
        self._stopping.set()

    def _leave(self) -> None:
        self.outbox.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        with rescue("hand over the lead"), self.book.writing() as page:
            page.resign(self.name)

    # One cycle.

    def cycle(self) -> None:
        """Look, measure, evaluate, write; what is to be sent is sent by another thread."""
        now = self.clock.now()
        self._mind_the_gap(now)
        self._look(now)
        recording.flush()
        now = self.clock.now()
        if self._may_lead(now):
            self._judge(now)
            self._keep_copy(now)
        else:
            self.outages.forget()
        self._seen_at = now
        logger.debug(
            "cycle: leads %s, %d alerts, spare book %s",
            self.is_leading, len(self.engine.alerts), self.is_on_spare,
        )  # fmt: skip

    def _mind_the_gap(self, now: float) -> None:
        """A jump of the clock, or a time nobody watched, must not count as time."""
        jump = self.clock.jumped()
        if jump:
            logger.warning("the clock jumped by %.0f s: deadlines move with it", jump)
            self.engine.skip(jump)
            self._due.clear()
            self._seen_at = None
            with rescue("move what is due"), self.current().writing() as page:
                page.run(
                    "UPDATE spotter_outbox SET due_at = due_at + ?, claimed_until = 0 "
                    "WHERE state = 'pending'",
                    (jump,),
                )
        elif (
            self._seen_at is not None and now - self._seen_at > 4 * self._interval + 10
        ):
            self.engine.skip(now - self._seen_at)

    def _is_due(self, what: str, every: float, now: float) -> bool:
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every
        return True

    def _look(self, now: float) -> None:
        every = conf.get_settings().probe_seconds
        if self._is_due("heartbeat", HEARTBEAT_SECONDS, now):
            self._start("heartbeat", beat)
        if self._is_due("jobs", HEARTBEAT_SECONDS, now):
            self._start("jobs", functools.partial(jobs.enroll_all, self.book))
        if self._is_due("probe", every, now):
            for monitor in self.monitors:
                self._start(monitor.name, functools.partial(self.prober.probe, monitor))
            self._start("health checks", check_health)
            self._start("task queue", read_queues)
            # What answers at once is judged in this very cycle.
            concurrent.futures.wait(self._busy.values(), timeout=1.5)

    def _start(self, what: str, work: Callable[[], None]) -> None:
        """Start on a thread, unless the last one is still at it."""
        running = self._busy.get(what)
        if running is None or running.done():
            self._busy[what] = self._threads.submit(quietly, what, work)

    def _may_lead(self, now: float) -> bool:
        """Take or keep the lead; who can't tell leads."""
        try:
            with self.book.writing() as page:
                is_mine = page.lead(self.name, now, LEAD_SECONDS)
                if is_mine and not self.is_leading:
                    self._return(page, now)
        except StoreError as error:
            self._go_on_alone(error, now)
            return True
        if is_mine and self.is_on_spare:
            self.spare.give_back(self.book, now)
            with self.book.reading() as page:
                self.engine.load(page)
            self.is_on_spare = self.source.is_cut_off = False
            logger.warning(
                "the store is back: what happened meanwhile is written to it"
            )
        if is_mine != self.is_leading:
            logger.info("this watcher %s", "leads" if is_mine else "stands by")
        self.is_leading = is_mine
        return is_mine

    def _return(self, page: Page, now: float) -> None:
        """Take over what the book says, unless this watcher knows better."""
        if self.is_on_spare:
            return
        self.engine.load(page)
        seen = [
            a.status.seen_at for a in self.engine.alerts.values() if a.status.seen_at
        ]
        if seen:
            # Nobody evaluated since: that time counts for nothing.
            self.engine.skip(max(0.0, now - max(seen)))

    def _go_on_alone(self, error: StoreError, now: float) -> None:
        if not self.is_on_spare:
            logger.warning("the store can't be written, going on without: %s", error)
            if not self.engine.alerts:
                with self.spare.book.reading() as page:
                    self.engine.load(page)
        self.is_on_spare = self.is_leading = self.source.is_cut_off = True

    def _judge(self, now: float) -> None:
        alerts = self.engine.evaluate(self.source, now)
        with self.current().writing() as page:
            self.engine.write(page, alerts, now)
            if self._is_due("trim", TRIM_SECONDS, now):
                page.trim(now)
                outages.trim(page, now)
                outages.end_gone(page, {m.name for m in self.monitors}, now)
                announcements.trim(page, now)
                jobs.trim(page)
        self.engine.accept()
        with rescue("write outages down"):
            self._note_outages(now)
        if self._is_due("forget", TRIM_SECONDS, now):
            self.source.forget(now)

    def _note_outages(self, now: float) -> None:
        """What changed while the store takes no writes waits here until it does."""
        self.outages.see(agreed(self.source, now), self.prober.failing, now)
        if self.outages.is_waiting and not self.is_on_spare:
            with self.book.writing() as page:
                self.outages.write(page)
            self.outages.accept()

    def _keep_copy(self, now: float) -> None:
        if not self.is_on_spare and self._is_due("copy", COPY_SECONDS, now):
            with rescue("keep the spare book"):
                self.spare.copy(self.book, now)

    def _send(self) -> None:
        """The sender's thread: never waits for an evaluation, nor the other way round."""
        with ignore():
            while not self._stopping.wait(DELIVER_SECONDS):
                if not self.is_leading:
                    continue
                try:
                    self.outbox.deliver(self.current(), self.clock.now())
                except StoreError as error:
                    logger.debug("the outbox waits for the store: %s", error)
                except Exception:
                    logger.exception("spotter could not deliver")

    def _evidence(self) -> Evidence:
        return functools.partial(gather, self.source)


def quietly(what: str, work: Callable[[], None]) -> None:
    """Whatever it raises is logged; on a thread nobody else would see it."""
    with ignore(), rescue(f"look at {what}"):
        work()


def check_health() -> None:
    """Run the project's health checks, as `/ready/` does, from this process."""
    for outcome in get_runner().outcomes():
        name = outcome.check.name
        labels = {"check": name, "kind": name.partition(":")[0]}
        value = 0 if outcome.report.status.is_bad else 1
        recording.gauge("spotter.health_check.up", value, labels)


def read_queues() -> None:
    """How many tasks wait in django-tasks' database, and for how long."""
    from django.apps import apps
    from django.utils import timezone

    if not apps.is_installed("django_tasks_db"):
        return
    model = apps.get_model("django_tasks_database", "DBTaskResult")
    try:
        now = timezone.now()
        waiting: dict[str, list[float]] = {}
        for queue, at, after in model.objects.ready().values_list(
            "queue_name", "enqueued_at", "run_after"
        )[:10_000]:
            since = max(at, after) if after <= now else at
            waiting.setdefault(queue, []).append((now - since).total_seconds())
    finally:
        connections.close_all()
    for queue in {"default", *waiting}:
        ages = waiting.get(queue, [])
        labels = {"task.system": "django", "queue": queue}
        recording.gauge("spotter.task.queue.depth", len(ages), labels)
        recording.gauge("spotter.task.queue.oldest", max(ages, default=0.0), labels)


def beat() -> None:
    """Tell the outside that the watcher lives; it tells people when this ends."""
    url = conf.get_settings().heartbeat_url
    if url:
        with urllib3.PoolManager(1, timeout=urllib3.Timeout(total=10)) as pool:
            answer = pool.request("POST", url, retries=2)
            if answer.status >= 300:
                logger.warning("the heartbeat's address answered %d", answer.status)


def var_folder() -> pathlib.Path:
    """Where Spotter keeps files of its own."""
    base = getattr(django_settings, "BASE_DIR", None) or os.getcwd()
    return pathlib.Path(base, "var", "spotter")


def place() -> Place:
    """Whose alerts these are."""
    settings = conf.get_settings()
    return Place(
        service=settings.service_name,
        environment=settings.environment or os.environ.get("SENTRY_ENVIRONMENT", ""),
        url=settings.public_url and settings.public_url.rstrip("/") + "/",
        runbooks=settings.runbook_url and settings.runbook_url.rstrip("/") + "/",
    )


def configured_channels() -> list[Channel]:
    """Those of `SPOTTER["CHANNELS"]`; what is none was told by the system check."""
    return [each for each in conf.get_settings().channels if isinstance(each, Channel)]


def configured_monitors() -> list[Monitor]:
    """Those of `SPOTTER["MONITORS"]`."""
    return [each for each in conf.get_settings().monitors if isinstance(each, Monitor)]


def configured_rules(book: Callable[[], Book]) -> list[Rule]:
    """The shipped rules, changed and added to as the settings say."""
    settings = conf.get_settings()
    beats = [each for each in settings.heartbeats if isinstance(each, Heartbeat)]
    rules = {rule.name: rule for rule in shipped(book, beats)}
    for each in settings.rules:
        if isinstance(each, Rule):
            rules[each.name] = each
        elif isinstance(each, dict) and each.get("name") in rules:
            changes = {k: v for k, v in each.items() if k != "name"}
            rules[each["name"]] = dataclasses.replace(rules[each["name"]], **changes)
    return [rule for rule in rules.values() if rule.name not in settings.rules_off]
