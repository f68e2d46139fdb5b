"""Run the checks side by side within one budget, and say what each of them found."""

from __future__ import annotations

import dataclasses
import functools
import logging
import threading
import time

from django.core.signals import setting_changed
from django.dispatch import receiver

from spotter.conf import get_settings
from spotter.flights import Fleet, Flight, Landing, Sight
from spotter.health.check import CheckFailed, HealthCheck, Report, Status
from spotter.health.registry import load
from spotter.privacy import scrub_text

logger = logging.getLogger("spotter.health")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a check found, when, in how many seconds."""

    check: HealthCheck
    report: Report
    at: float
    seconds: float

    @property
    def blocks(self) -> bool:
        """Whether the service should get no traffic because of it."""
        return self.check.critical and self.report.status is Status.UNHEALTHY


class Runner:
    """The checks of this process, each with its flight."""

    def __init__(self, checks: list[HealthCheck]) -> None:
        settings = get_settings()
        self.budget_seconds = settings.health_budget_seconds
        self.checks = checks
        self.fleet = Fleet(
            [
                Flight(
                    check.name,
                    check.run,
                    ttl_seconds=settings.health_ttl_seconds
                    if check.ttl_seconds is None
                    else check.ttl_seconds,
                    timeout_seconds=check.timeout_seconds or self.budget_seconds,
                )
                for check in checks
            ]
        )
        self._told: dict[str, Status] = {}
        self._telling = threading.Lock()

    def outcomes(self) -> list[Outcome]:
        """Run what is due; never takes longer than the budget."""
        return self._judge(self.fleet.gather(self.budget_seconds))

    async def aoutcomes(self) -> list[Outcome]:
        """As `outcomes`, without blocking the event loop."""
        return self._judge(await self.fleet.agather(self.budget_seconds))

    def known(self) -> list[Outcome]:
        """What was found last; runs nothing."""
        seen = [(check, flight.see()) for check, flight in self._pairs()]
        return [
            judge(check, flight_sight, self.budget_seconds)
            for check, flight_sight in seen
            if flight_sight.landing or flight_sight.overdue_seconds
        ]

    def _pairs(self) -> list[tuple[HealthCheck, Flight[str | Report]]]:
        return list(zip(self.checks, self.fleet.flights, strict=True))

    def _judge(self, sights: list[Sight[str | Report]]) -> list[Outcome]:
        pairs = zip(self.checks, sights, strict=True)
        found = [judge(check, sight, self.budget_seconds) for check, sight in pairs]
        for outcome in found:
            self._tell(outcome)
        return found

    def _tell(self, outcome: Outcome) -> None:
        """Log a change of state, once, and not each probe that sees it."""
        name, status = outcome.check.name, outcome.report.status
        with self._telling:
            before = self._told.get(name, Status.HEALTHY)
            self._told[name] = status
        level = logging.WARNING if status.is_bad else logging.INFO
        if status is not before and (status.is_bad or before.is_bad):
            detail = scrub_text(outcome.report.detail)
            logger.log(
                level,
                "health check %s is %s: %s%s",
                name,
                status.value,
                outcome.report.message,
                f" ({detail})" if detail else "",
            )


def judge(
    check: HealthCheck, sight: Sight[str | Report], budget_seconds: float
) -> Outcome:
    """What is to be said of a check, given what is known of its last run."""
    if sight.overdue_seconds is not None:
        report = no_answer(check, budget_seconds, "still running")
        return Outcome(
            check=check, report=report, at=time.time(), seconds=sight.overdue_seconds
        )
    landing = sight.landing
    if landing is None:
        report = Report(Status.UNHEALTHY, "No answer yet")
        return Outcome(check=check, report=report, at=time.time(), seconds=0.0)
    if landing.late:
        detail = f"answered after {landing.seconds:.1f} s"
        report = no_answer(check, budget_seconds, detail)
    else:
        report = report_of(check, landing)
    return Outcome(check=check, report=report, at=landing.at, seconds=landing.seconds)


def no_answer(check: HealthCheck, budget_seconds: float, detail: str) -> Report:
    """It may hang or be slow; nobody can tell the one from the other in time."""
    limit = check.timeout_seconds or budget_seconds
    return Report(Status.UNHEALTHY, f"No answer within {limit:g} s", detail)


def report_of(check: HealthCheck, landing: Landing[str | Report]) -> Report:
    """What a run that ended in time says."""
    error, value = landing.error, landing.value
    if isinstance(error, CheckFailed):
        return Report(error.status, error.message, error.detail)
    if error is not None:
        # The text of a driver's exception names hosts, users, even passwords.
        detail = f"{type(error).__name__}: {error}"
        return Report(Status.UNHEALTHY, check.failure, detail)
    if isinstance(value, Report):
        return value
    return Report(Status.HEALTHY, str(value or "OK"))


@functools.cache
def get_runner() -> Runner:
    """This process's runner, made when first asked for."""
    return Runner(load(get_settings().health_checks))


@receiver(setting_changed)
def forget_runner(*, setting: str, **kwargs: object) -> None:
    """Make the checks anew after a test has overridden what they are made of."""
    if setting in {"SPOTTER", "CACHES", "DATABASES"}:
        get_settings.cache_clear()
        get_runner.cache_clear()
