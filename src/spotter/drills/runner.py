"""Several drills side by side, and what became of each."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
from collections.abc import Callable, Sequence

from spotter.alerts.rules import Rule
from spotter.alerts.watcher import configured_channels, place
from spotter.channels import Channel
from spotter.drills.drill import Drill, Stage, Undrillable, World
from spotter.drills.faults import fault_of
from spotter.drills.real import Fault, Real
from spotter.drills.receivers import local
from spotter.drills.server import Pings, Requests, Server, can_order
from spotter.drills.simulated import Simulated
from spotter.rescue import ignore
from spotter.stores.sql import SqlStore

#: Rules that compare with what no drill can bring about.
NOT_REAL = {
    "SlowQueryRegression": "it compares with a week",
    "DeployMadeItWorse": "it needs a release",
}
JOBS = ("BackupMissing", "HeartbeatMissing")
#: Drills at once; each waits nearly all the time.
AT_ONCE = 32
#: How long the drills may take to call everything off after Ctrl-C.
STOP_SECONDS = 40.0
Tell = Callable[[str, Stage], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one drill."""

    rule: str
    stages: Sequence[Stage] = ()
    #: "real", "injected" (a reading that the recorder is told) or "simulated".
    form: str = ""
    #: Whether it was simulated although the real source is within reach at other times.
    fell_back: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether no leg is missing."""
        return bool(self.stages) and all(stage.ok for stage in self.stages)

    def after(self, *names: str) -> float | None:
        """When the last stage of these names, or that begin like them, was reached."""
        found = [
            s.after for s in self.stages if s.ok and s.name.partition(" ")[0] in names
        ]
        return max(found, default=None)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How drills are to be done."""

    simulated: bool = False
    fast: bool = False
    deliver: bool = False
    url: str = ""


class Runner:
    """Drills rules of a store, telling of each stage as it is reached."""

    def __init__(self, store: SqlStore, options: Options, tell: Tell) -> None:
        self.store = store
        self.options = options
        self._tell = tell
        self._telling = threading.Lock()
        self._running: dict[str, Drill] = {}
        self._stopping = False

    def run(self, rules: Sequence[Rule]) -> list[Result]:
        """Drill them all; after Ctrl-C call off what is open and give what there is."""
        server = Server(self.options.url)
        trouble = "" if self.options.simulated else self._trouble(rules, server)
        try:
            with local(configured_channels()) as stand_ins:
                return self._run(rules, server, trouble, stand_ins)
        finally:
            server.close()

    def _trouble(self, rules: Sequence[Rule], server: Server) -> str:
        """Why no drill can go through the server; not asked where none has to."""
        if not any(can_order(rule) or rule.name in JOBS for rule in rules):
            return ""
        return server.trouble()

    def _run(
        self,
        rules: Sequence[Rule],
        server: Server,
        trouble: str,
        stand_ins: Callable[[Callable[[str, str], None]], list[Channel]],
    ) -> list[Result]:
        with concurrent.futures.ThreadPoolExecutor(
            1 if self.options.simulated else AT_ONCE, thread_name_prefix="spotter-drill"
        ) as pool:

            def start(rule: Rule) -> concurrent.futures.Future[Result]:
                channels = (
                    configured_channels()
                    if self.options.deliver
                    else stand_ins(lambda name, text: self._show(rule, name, text))
                )
                return pool.submit(self._drill, rule, server, trouble, channels)

            found = [start(rule) for rule in rules]
            try:
                concurrent.futures.wait(found)
            except KeyboardInterrupt:
                self.stop()
                concurrent.futures.wait(found, STOP_SECONDS)
        return [future.result() for future in found if future.done()]

    def stop(self) -> None:
        """Have every drill call off what it has opened."""
        self._stopping = True
        for drill in list(self._running.values()):
            drill.stop()

    def _drill(
        self, rule: Rule, server: Server, trouble: str, channels: Sequence[Channel]
    ) -> Result:
        if self._stopping:
            return Result(rule=rule.name)
        with ignore():
            try:
                world, fell_back = self._world(rule, server, trouble)
            except Undrillable as error:
                stage = Stage(name="injected", after=0.0, text=str(error), ok=False)
                self._say(rule.name, stage)
                return Result(rule=rule.name, stages=[stage])
            drill = Drill(world, channels, place())
            self._running[rule.name] = drill
            stages = []
            for stage in drill.run():
                self._say(rule.name, stage)
                stages.append(stage)
            self._running.pop(rule.name)
        return Result(
            rule=rule.name, stages=stages, form=world.form, fell_back=fell_back
        )

    def _world(self, rule: Rule, server: Server, trouble: str) -> tuple[World, bool]:
        """Where a rule is drilled, and whether that is less than it could be."""
        if self.options.simulated:
            return Simulated(rule), False
        if rule.name in NOT_REAL:
            return Simulated(rule, NOT_REAL[rule.name]), False
        is_job = rule.name in JOBS
        if trouble and (is_job or can_order(rule)):
            return Simulated(rule, trouble), True
        fault: Fault
        if is_job:
            fault = Pings(rule, server, self.store)
        elif can_order(rule):
            fault = Requests(rule, server)
        else:
            try:
                fault = fault_of(rule)
            except Undrillable as error:
                return Simulated(rule, str(error)), False
        return Real(fault, self.store, fast=self.options.fast), False

    def _say(self, rule: str, stage: Stage) -> None:
        with self._telling:
            self._tell(rule, stage)

    def _show(self, rule: Rule, channel: str, text: str) -> None:
        running = self._running.get(rule.name)
        after = 0.0 if running is None else running.world.now - running.began
        self._say(rule.name, Stage(name=channel, after=after, text=text))
