"""The project's numbers: each source on its own, cached, and never waited for long."""

from __future__ import annotations

import dataclasses
import functools
import logging
import math
import re
from collections.abc import Mapping

from django.core.signals import setting_changed
from django.dispatch import receiver

from spotter import metrics
from spotter.conf import get_settings
from spotter.exceptions import SpotterError
from spotter.flights import Fleet, Flight, Sight
from spotter.metrics import Family, Number, Source
from spotter.privacy import scrub_text
from spotter.rescue import rescue

logger = logging.getLogger("spotter.metrics")

Values = dict[str, int | float]


class SourceError(SpotterError):
    """What a source gave cannot be shown."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a source gave, or None when it failed or did not answer in time."""

    source: Source
    values: Values | None


class Numbers:
    """The sources of this process, each with its flight."""

    def __init__(self, sources: list[Source]) -> None:
        settings = get_settings()
        self.budget_seconds = settings.metrics_budget_seconds
        self.sources = sources
        self._failing: set[str] = set()
        self.fleet = Fleet(
            [
                Flight(
                    f"metrics-{source.name}",
                    functools.partial(read, source),
                    ttl_seconds=settings.metrics_ttl_seconds
                    if source.ttl_seconds is None
                    else source.ttl_seconds,
                    timeout_seconds=self.budget_seconds,
                )
                for source in sources
            ]
        )

    def readings(self) -> list[Reading]:
        """Ask the sources whose numbers are old; never takes longer than the budget."""
        return self._readings(self.fleet.gather(self.budget_seconds))

    async def areadings(self) -> list[Reading]:
        """As `readings`, without blocking the event loop."""
        return self._readings(await self.fleet.agather(self.budget_seconds))

    def _readings(self, sights: list[Sight[Values]]) -> list[Reading]:
        pairs = zip(self.sources, sights, strict=True)
        return [self._reading(source, sight) for source, sight in pairs]

    def _reading(self, source: Source, sight: Sight[Values]) -> Reading:
        why = failure(sight)
        if why:
            if source.name not in self._failing:
                logger.warning("metrics source %s failed: %s", source.name, why)
            self._failing.add(source.name)
            return Reading(source=source, values=None)
        self._failing.discard(source.name)
        values = sight.landing.value if sight.landing else None
        return Reading(source=source, values=values)


def failure(sight: Sight[Values]) -> str:
    """Why there are no numbers; "" when there are."""
    landing = sight.landing
    if sight.overdue_seconds is not None:
        return "still counting"
    if landing is None:
        return "not counted yet"
    if landing.error:
        return scrub_text(f"{type(landing.error).__name__}: {landing.error}")
    return f"took {landing.seconds:.1f} s" if landing.late else ""


def read(source: Source) -> Values:
    """Call a source and refuse what the formats cannot carry."""
    return {key: checked(source, key, v) for key, v in source.call().items()}


def checked(source: Source, key: str, value: Number) -> int | float:
    """A finite number under a name that OpenMetrics takes."""
    metrics.check_name(gauge_name(source.name, key))
    plain = value if isinstance(value, int) else float(value)
    if not math.isfinite(plain):
        raise SourceError(f"{source.name}.{key} is {value}; it must be finite")
    return plain


def gauge_name(source: str, key: str) -> str:
    """`total` is the thing itself; whatever else is a part of it."""
    return source if key == "total" else f"{source}_{key}"


def namespace() -> str:
    """What the project's gauges begin with: METRICS_NAMESPACE or the service's name."""
    settings = get_settings()
    text = settings.metrics_namespace or settings.service_name
    slug = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return slug if slug[:1].isalpha() else f"service_{slug}".rstrip("_")


def families(readings: list[Reading]) -> list[Family]:
    """Everything that is told in text: the numbers, their sources, the collectors."""
    found = [family for reading in readings for family in gauges_of(reading)]
    if readings:
        up = [({"source": r.source.name}, int(r.values is not None)) for r in readings]
        text = "Whether a source of numbers answers."
        found.append(
            Family(name="spotter_source_up", kind="gauge", help=text, samples=up)
        )
    for collect in metrics.collectors():
        with rescue("collect metrics"):
            found.extend(collect())
    return found


def gauges_of(reading: Reading) -> list[Family]:
    """A family for each number of a source."""
    values: Mapping[str, int | float] = reading.values or {}
    source = reading.source
    return [
        Family(
            name=f"{namespace()}_{gauge_name(source.name, key)}",
            kind="gauge",
            help=source.help if key == "total" else f"{source.help} Only: {key}.",
            samples=[({}, value)],
        )
        for key, value in values.items()
    ]


_numbers: Numbers | None = None


def get_numbers() -> Numbers:
    """This process's sources; made anew when one was declared since."""
    global _numbers
    sources = metrics.sources()
    if _numbers is None or _numbers.sources != sources:
        _numbers = Numbers(sources)
    return _numbers


@receiver(setting_changed)
def forget_numbers(*, setting: str, **kwargs: object) -> None:
    """Read the settings anew after a test has overridden them."""
    global _numbers
    if setting == "SPOTTER":
        get_settings.cache_clear()
        _numbers = None
