"""
The watcher: one process that probes, evaluates and delivers, whatever else is down.

It needs neither the application's database nor its cache nor its task queue: it asks
them, with time-outs, as anybody else would. Of several watchers one leads; who can't
tell whether another leads speaks itself, since receivers know an incident by its key.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence

import urllib3

from spotter import conf, recording
from spotter.alerts import announcements, chronicle, jobs, outages, salvage
from spotter.alerts.book import Book, Page
from spotter.alerts.clock import Clock
from spotter.alerts.engine import Engine, Evidence, Place
from spotter.alerts.errands import Errands
from spotter.alerts.evidence import gather
from spotter.alerts.heartbeats import Heartbeat
from spotter.alerts.naming import is_dead, new_name
from spotter.alerts.outages import Outages
from spotter.alerts.outbox import Outbox
from spotter.alerts.probing import BELIEVED, Prober, agreed
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.alerts.sources import Source
from spotter.alerts.spare import Spare, spare_path, var_folder
from spotter.alerts.systemd import tell_systemd
from spotter.channels import Channel, DeliveryError
from spotter.channels.channel import without_secrets
from spotter.channels.quiet import quiet
from spotter.exceptions import ConfigurationError
from spotter.health.runner import Outcome, get_runner
from spotter.probes import Monitor, celery_broker
from spotter.probes.django_tasks import read_queues
from spotter.rescue import ignore, rescue
from spotter.stores.contract import ConnectionLostError, StoreError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

logger = logging.getLogger("spotter.watcher")

#: The lead is another's when its holder has not been heard of for so long. With the
#: second in which the others look, and their probes, they speak within 15 s.
LEAD_SECONDS = 12.0
LOOK_SECONDS = 1.0
#: After so many failed cycles a leader stands aside for a while: others may do better.
FAILED_CYCLES, ASIDE_SECONDS = 3, 30.0
#: A store that takes longer to fail than this hangs, and is not asked for a while.
HANGING_SECONDS, RETRY_SECONDS = 1.0, 15.0
#: How long what is being sent, and the store, may hold up the end.
END_SECONDS = 12.0
HEARTBEAT_SECONDS, TRIM_SECONDS, COPY_SECONDS = 60.0, 3600.0, 10.0
FORGET_SECONDS = 300.0
#: How often what is due is sent.
DELIVER_SECONDS = 0.5
#: What of a rule a project may change.
FIELDS = frozenset(field.name for field in dataclasses.fields(Rule))


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
        self.name = new_name()
        self.clock = clock or Clock()
        self.book = Book(store)
        self.spare = Spare(spare_path(store, var_folder()))
        self.source = Source(get_store)
        self.channels = list(configured_channels() if channels is None else channels)
        self.monitors = list(configured_monitors() if monitors is None else monitors)
        self.engine = Engine(
            configured_rules(self.current, self.reports) if rules is None else rules,
            self.channels,
            place(),
            self._evidence(),
        )
        self.outbox = Outbox(self.channels)
        self.prober, self.outages = Prober(), Outages()
        self.is_leading = False
        # What a watcher before this one could not give back, this one does.
        self.is_on_spare = self.spare.is_left_over()
        self._interval = settings.watch_seconds
        self._seen_at: float | None = None
        self._due: dict[str, float] = {}
        self._stopping = threading.Event()
        self._errands = Errands()
        self._sender = threading.Thread(
            target=self._send, name="spotter-outbox", daemon=True
        )
        self._failures = 0
        self._aside_until = self._retry_at = float("-inf")

    def current(self) -> Book:
        """The book in use."""
        return self.spare.book if self.is_on_spare else self.book

    def reports(self) -> Book:
        """The book in which jobs report; raises StoreError while there is only a copy."""
        if self.is_on_spare:
            raise StoreError("while the store is gone no job can report")
        return self.book

    def run(self) -> None:
        """Watch until `stop`, or for ever."""
        recording.listen(self.source.remember)
        self._note_first_start()
        me = {"host.name": socket.gethostname(), "process.pid": os.getpid()}
        with ignore():
            self._start("jobs", self._find_jobs)
            self._sender.start()
            try:
                while not self._stopping.is_set():
                    started = time.monotonic()
                    self._failures += 1
                    with rescue("watch"):
                        self.cycle()
                        self._failures = 0
                        tell_systemd("READY=1\nWATCHDOG=1")
                    spent = time.monotonic() - started
                    recording.summarize("spotter.watcher.cycle.duration", spent)
                    recording.gauge("spotter.watcher.leading", int(self.is_leading), me)
                    self._stand_aside_if_failing()
                    self._rest(max(0.2, self._interval - spent))
            finally:
                self._stopping.set()
                tell_systemd("STOPPING=1")
                recording.unlisten(self.source.remember)
                self._leave()

    def _find_jobs(self) -> None:
        """Importing what declares them takes as long as it takes."""
        jobs.discover()
        jobs.enroll_all(self.book)

    def _note_first_start(self) -> None:
        """From then on it counts that rules are drilled."""
        with rescue("write the first start down"), self.book.writing() as page:
            page.note_first_start(self.clock.now())

    def stop(self) -> None:
        """Ask it to end."""
        self._stopping.set()

    def _leave(self) -> None:
        """Finish what is being sent and hand over, but not for ever: something may hang."""
        self._start("outbox", self.outbox.close)
        self._start("lead", self._resign)
        self._errands.wait(END_SECONDS, "outbox", "lead")
        if self._sender.is_alive():
            self._sender.join(LOOK_SECONDS)

    def _resign(self) -> None:
        with self.book.writing() as page:
            page.resign(self.name)

    @property
    def hangs(self) -> bool:
        """Whether something is still under way that would hold up the interpreter."""
        return self._sender.is_alive() or bool(self._errands.seconds("outbox"))

    def _rest(self, seconds: float) -> None:
        """Wait for the next cycle; who stands by looks meanwhile whether others lead."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._stopping.wait(min(left, LOOK_SECONDS)):
                return
            if not self.is_leading and self._is_vacant():
                return
            if self.is_leading and not self.is_on_spare and until - time.monotonic() > LEAD_SECONDS / 2:  # fmt: skip
                # Who looks seldom leads all the same.
                with rescue("keep the lead"), self.book.writing() as page:
                    page.lead(self.name, self.clock.now(), LEAD_SECONDS)

    def _is_vacant(self) -> bool:
        if time.monotonic() < self._aside_until:
            return False
        try:
            with self.book.reading() as page:
                leader = page.leader()
        except StoreError:
            return True  # Who can't tell leads.
        if leader is None or leader[1] <= self.clock.now():
            return True
        return is_dead(leader[0])

    def _bury_the_dead(self) -> None:
        """Do not wait for the lease of one that was killed here, as before a restart."""
        with self.book.reading() as page:
            leader = page.leader()
        if leader is not None and is_dead(leader[0]):
            with self.book.writing() as page:
                page.resign(leader[0])

    def _stand_aside_if_failing(self) -> None:
        """Who can't evaluate must not keep the lead: nobody else would."""
        if self._failures < FAILED_CYCLES:
            return
        self._failures = 0
        self._aside_until = time.monotonic() + ASIDE_SECONDS
        logger.error("evaluating fails again and again: this watcher stands aside")
        if self.is_leading and not self.is_on_spare:
            self.is_leading = False
            with rescue("stand aside"):
                self._resign()

    # One cycle.

    def cycle(self) -> None:
        """Look, measure, evaluate, write; what is to be sent is sent by another thread."""
        now = self.clock.now()
        self._mind_the_gap(now)
        self._look(now)
        # On a thread: a store that hangs must not hold up what needs none.
        self._start("flush", recording.flush)
        self._errands.wait(2.0, "flush")
        now = self.clock.now()
        # Who stands by remembers, too, and may for weeks.
        if self._is_due("forget", FORGET_SECONDS, now):
            self.source.forget(now)
        if self._leads(now):
            self._judge_anyhow(now)
        else:
            self.outages.forget()
        self._keep_copy(now)
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
            if not self.is_leading:
                return  # who leads moves what is due; twice would be too far
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
        if self._is_due("jobs", HEARTBEAT_SECONDS, now):
            self._start("jobs", functools.partial(jobs.enroll_all, self.book))
        if self._is_due("probe", every, now):
            self._tell_of_hung_probes(every)
            for monitor in self.monitors:
                self._start(monitor.name, functools.partial(self.prober.probe, monitor))
            self._start("health checks", check_health)
            self._start("task queue", read_queues)
            self._start("celery's queues", celery_broker.read)
            # What answers at once is judged in this very cycle.
            self._errands.wait(1.5)

    def _start(self, what: str, work: Callable[[], object]) -> None:
        """Start on a thread, unless the last one is still at it."""
        self._errands.start(what, functools.partial(quietly, what, work))

    def _tell_of_hung_probes(self, every: float) -> None:
        """A probe that its own time-outs do not end has failed."""
        for monitor in self.monitors:
            seconds = self._errands.seconds(monitor.name)
            if seconds > monitor.timeout_seconds + every:
                labels = {"probe": monitor.name, "watcher": socket.gethostname()}
                recording.gauge("spotter.probe.success", 0, labels)
                recording.gauge("spotter.probe.failures", BELIEVED, labels)
                logger.warning("probe %s: no end after %.0f s", monitor.name, seconds)

    def _leads(self, now: float) -> bool:
        """Take or keep the lead; asks a store that hangs only now and then."""
        started = time.monotonic()
        if started < self._aside_until:
            return False
        if self.is_on_spare and started < self._retry_at:
            return True
        try:
            if not self.is_leading:
                self._bury_the_dead()
            leads = self._may_lead(now)
        except StoreError as error:
            self._fall_back(error, now)
            leads = True
        if self.is_on_spare and time.monotonic() - started > HANGING_SECONDS:
            self._retry_at = time.monotonic() + RETRY_SECONDS
        if leads and not self.is_on_spare:
            salvage.restore(self.engine, self.book, self.spare, now)
        return leads

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
        if self.is_on_spare:
            self._come_back(now, leads=is_mine)
        if is_mine != self.is_leading:
            logger.info("this watcher %s", "leads" if is_mine else "stands by")
        self.is_leading = is_mine
        return is_mine

    def _come_back(self, now: float, *, leads: bool) -> None:
        self.spare.give_back(self.book, now, leads=leads)
        text = "the store is back: what happened meanwhile is written to it"
        with self.book.writing() as page:
            chronicle.note_open(page, now, "store", text)
            is_new = not self.engine.alerts
            self.engine.load(page)
        self.is_on_spare = self.source.is_cut_off = False
        if is_new:
            self._skip_absence(now)
        logger.warning(text)

    def _return(self, page: Page, now: float) -> None:
        """Take over what the book says, unless this watcher knows better."""
        # Whoever was sending has not been heard of for the length of the lead, and a
        # page must not wait for the rest of its lease: twice is better than late.
        page.release()
        if self.is_on_spare:
            return
        self.engine.load(page)
        self._skip_absence(now)

    def _skip_absence(self, now: float) -> None:
        seen = [
            a.status.seen_at for a in self.engine.alerts.values() if a.status.seen_at
        ]
        if seen:
            # Nobody evaluated since: that time counts for nothing. It is less than none
            # where the clock was set back meanwhile.
            self.engine.skip(now - max(seen))

    def _go_on_alone(self, error: StoreError, now: float) -> None:
        if not self.is_on_spare:
            logger.warning("the store can't be written, going on without: %s", error)
        with self.spare.book.writing() as page:
            page.lead(self.name, now, LEAD_SECONDS)
            if not self.engine.alerts:
                self.engine.load(page)
            if not self.is_on_spare:
                text = f"the watcher goes on without the store: {error}"
                chronicle.note_open(page, now, "store", text)
        self.is_on_spare = self.is_leading = self.source.is_cut_off = True

    def _judge_anyhow(self, now: float) -> None:
        """In the store; else in the spare book; else in memory."""
        try:
            self._judge(now)
        except ConnectionLostError:
            # One that was stopped in the middle is put out, and the store is well.
            if not self._leads(self.clock.now()):
                return
        except StoreError as error:
            self._fall_back(error, now)
        else:
            return
        try:
            self._judge(now)
        except StoreError as error:
            self._fall_back(error, now)
            self._judge(now)

    def _fall_back(self, error: StoreError, now: float) -> None:
        if not self.is_on_spare:
            try:
                self._go_on_alone(error, now)
            except StoreError as worse:
                error = worse
            else:
                return
        # The spare book's disk is the store's: what is full is full for both.
        logger.warning("the spare book can't be used, going on in memory: %s", error)
        self.spare.go_on_in_memory()
        self._go_on_alone(error, now)

    def _judge(self, now: float) -> None:
        salvage.begin_anew(self.engine, self.current(), now)
        alerts = self.engine.evaluate(self.source, now)
        with self.current().writing() as page:
            # One that was stopped since may not write what it thought before.
            if not self.is_on_spare and not page.lead(self.name, self.clock.now(), LEAD_SECONDS):  # fmt: skip
                self.is_leading = False
                return
            self.engine.write(page, alerts, now)
            # A spare book may know incidents whose alerts this watcher never saw.
            if not self.is_on_spare:
                self.engine.close_orphans(page, now)
            if self._is_due("trim", TRIM_SECONDS, now):
                page.trim(now)
                outages.trim(page, now)
                outages.end_gone(page, {m.name for m in self.monitors}, now)
                announcements.trim(page, now)
                jobs.trim(page)
        self.engine.accept()
        with rescue("write outages down"):
            self._note_outages(now)
        # Only now: who only lives, and can't evaluate, must not say that all is well.
        if self._is_due("heartbeat", HEARTBEAT_SECONDS, now):
            self._start("heartbeat", beat)
            self._check_in()

    def _check_in(self) -> None:
        """Tell the receivers that can listen."""
        for each in self.channels:
            work = functools.partial(check_in, each, self.engine.place.environment)
            self._start(f"check-in {each.name}", work)

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
                # Not of a store that was emptied since: it would take the last copy.
                with self.book.reading() as page:
                    is_whole = not salvage.lost(self.engine, page)
                if is_whole or not self.is_leading:
                    self.spare.use_file()
                    if self.spare.is_free(self.book, now):
                        self.spare.copy(self.book, now)

    def _send(self) -> None:
        """Begin to send what is due: never waits for an evaluation, nor for a receiver."""
        with ignore():
            while not self._stopping.wait(DELIVER_SECONDS):
                if not self.is_leading:
                    continue
                try:
                    self.outbox.start(self.current(), self.clock.now)
                except StoreError as error:
                    logger.debug("the outbox waits for the store: %s", error)
                except Exception:
                    logger.exception("spotter could not deliver")

    def _evidence(self) -> Evidence:
        return functools.partial(gather, self.source)


def quietly(what: str, work: Callable[[], object]) -> None:
    """Whatever it raises is logged; on a thread nobody else would see it."""
    with ignore(), rescue(f"look at {what}"):
        work()


def check_health() -> None:
    """Run the project's health checks, as `/ready/` does, from this process."""
    record_health(get_runner().outcomes())


def record_health(outcomes: Sequence[Outcome]) -> None:
    """Write down which checks pass."""
    for outcome in outcomes:
        name = outcome.check.name
        labels = {
            "check": name,
            "kind": name.partition(":")[0],
            "watcher": socket.gethostname(),
        }
        value = 0 if outcome.report.status.is_bad else 1
        recording.gauge("spotter.health_check.up", value, labels)


def beat() -> None:
    """Tell the outside that the watcher lives; it tells people when this ends."""
    url = conf.get_settings().heartbeat_url
    if not url:
        return
    try:
        # Whoever reads its path in a log could say in its place that all is well.
        with quiet(), urllib3.PoolManager(1, timeout=urllib3.Timeout(total=10)) as pool:
            status = pool.request("POST", url, retries=2).status
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        reason = type(getattr(error, "reason", error)).__name__
        logger.warning("the heartbeat's address does not answer: %s", reason)
        return
    if status >= 300:
        logger.warning("the heartbeat's address answered %d", status)


def check_in(channel: Channel, environment: str) -> None:
    """Tell a receiver that can listen that the watcher lives."""
    try:
        channel.check_in(environment)
    except DeliveryError as error:
        reason = without_secrets(channel, str(error))
        logger.warning("%s took no check-in: %s", channel.name, reason)


def place() -> Place:
    """Whose alerts these are."""
    settings = conf.get_settings()
    url = settings.public_url and settings.public_url.rstrip("/") + "/"
    # The dashboard has every runbook itself.
    runbooks = settings.runbook_url or (url and f"{url}runbooks")
    return Place(
        service=settings.service_name,
        environment=settings.environment or os.environ.get("SENTRY_ENVIRONMENT", ""),
        url=url,
        runbooks=runbooks and runbooks.rstrip("/") + "/",
    )


def configured_channels() -> list[Channel]:
    """Those of `SPOTTER["CHANNELS"]`; what is none was told by the system check."""
    return [each for each in conf.get_settings().channels if isinstance(each, Channel)]


def configured_monitors() -> list[Monitor]:
    """Those of `SPOTTER["MONITORS"]`."""
    return [each for each in conf.get_settings().monitors if isinstance(each, Monitor)]


def configured_rules(
    book: Callable[[], Book], reports: Callable[[], Book] | None = None
) -> list[Rule]:
    """The shipped rules, changed and added to as the settings say; see `shipped`."""
    settings = conf.get_settings()
    beats = [each for each in settings.heartbeats if isinstance(each, Heartbeat)]
    rules = {rule.name: rule for rule in shipped(book, beats, reports)}
    for each in settings.rules:
        if isinstance(each, Rule):
            rules[each.name] = each
        elif isinstance(each, dict) and each.get("name") in rules:
            # What a rule does not have is told by a system check; it must not keep
            # all the others from being watched.
            changes = {k: v for k, v in each.items() if k in FIELDS and k != "name"}
            rules[each["name"]] = dataclasses.replace(rules[each["name"]], **changes)
    return [rule for rule in rules.values() if rule.name not in settings.rules_off]
