"""A whole day of a service, simulated: its traffic, its host, its releases, its troubles."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable, Iterator

from spotter.alerts.rules import Rule, Severity
from tests.alerts.measured import MONDAY, Measured, Watch

#: How often it is looked at, in seconds.
STEP, HOURS = 60, 24
ROUTES = ("/api/bookings/", "/api/trainers/", "/api/clients/", "/")


def steady(hour: float) -> float:
    """The same at any time: fifty requests in five minutes."""
    return 50 / 300


def daily(hour: float) -> float:
    """Nothing at night, and twenty requests a second at noon."""
    return 20 * max(0.0, math.sin(math.pi * (hour - 6) / 14)) ** 2 if 6 < hour < 20 else 0.0  # fmt: skip


@dataclasses.dataclass(kw_only=True)
class Day:
    """
    What happens on it.

    Args:
        rate: requests in a second, by the hour of the day.
        error_share, slow_share: the true ones; `errors` changes the first by the hour.
        releases: the hours at which there is one.
        cpu: of the host, by the hour.
        dies_at: the hour from which no process measures anything, and probes fail.
    """

    seed: int
    rate: Callable[[float], float] = steady
    error_share: float = 0.001
    slow_share: float = 0.002
    errors: Callable[[float], float] | None = None
    releases: tuple[float, ...] = ()
    cpu: Callable[[float], float] = lambda hour: 0.2
    dies_at: float = math.inf
    with_host: bool = True

    def run(
        self, measured: Measured, *rules: Rule, hours: float = HOURS
    ) -> Iterator[tuple[float, set[str]]]:
        """The hour and what fires, one step after the other."""
        chance = random.Random(self.seed)  # noqa: S311 (traffic, no secrets)
        watch = Watch(measured, *rules)
        releases = list(self.releases)
        measured.release("v0", "", ago=86400)
        for number in range(round(hours * 3600 / STEP)):
            measured.now = MONDAY + number * STEP
            hour = number * STEP / 3600
            if hour < self.dies_at:
                self.serve(measured, chance, hour)
                while releases and releases[0] <= hour:
                    releases.pop(0)
                    count = len(self.releases) - len(releases)
                    measured.release(f"v{count}", f"v{count - 1}")
            if self.with_host:
                self.measure_host(measured, hour)
            measured.write()
            if number % 60 == 0:
                measured.store.keep_house(measured.now)
            yield hour, watch.look()

    def serve(self, measured: Measured, chance: random.Random, hour: float) -> None:
        """The requests of one step."""
        share = self.errors(hour) if self.errors else self.error_share
        count = poisson(chance, self.rate(hour) * STEP)
        for _ in range(count):
            draw = chance.random()
            status = "500" if draw < share else "200"
            is_slow = chance.random() < self.slow_share
            seconds = chance.uniform(2.1, 5) if is_slow else chance.lognormvariate(-2.5, 0.7)  # fmt: skip
            measured.requests(1, status, seconds=seconds, route=chance.choice(ROUTES))

    def measure_host(self, measured: Measured, hour: float) -> None:
        """The host, its checks and probes."""
        host, is_up = {"host.name": "web-1"}, hour < self.dies_at
        if is_up:
            measured.gauge(
                "process.memory.usage", 1e8, {**host, "process.pid": "1"}
            )  # fmt: skip
        measured.gauge("system.cpu.utilization", self.cpu(hour), host)
        measured.gauge("system.memory.utilization", 0.55, host)
        measured.gauge(
            "system.filesystem.utilization",
            0.7,
            {**host, "system.filesystem.mountpoint": "/"},
        )
        probe = {"probe": "health", "watcher": "w"}
        measured.gauge("spotter.probe.success", is_up, probe)
        measured.gauge("spotter.probe.failures", 0 if is_up else 2, probe)
        for kind in ("database", "cache"):
            measured.gauge(
                "spotter.health_check.up", 1, {"check": kind, "kind": kind}
            )  # fmt: skip
        measured.gauge("spotter.task.queue.oldest", 2.0, {"queue": "default"})


def poisson(chance: random.Random, mean: float) -> int:
    """How many of something that comes so often on average; near enough above fifty."""
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count


def pages(measured: Measured, fired: set[str]) -> set[str]:
    """What of it wakes somebody up."""
    critical = Severity.CRITICAL
    return {name for name in fired if measured.rules[name].severity is critical}
