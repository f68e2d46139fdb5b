"""The project's own numbers, declared in one line each."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from spotter.exceptions import ConfigurationError

Number = int | float | Decimal
Gauges = Callable[[], Mapping[str, Number]]

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# OpenMetrics gives these endings to other types; promtool refuses them on a gauge.
RESERVED = ("total", "count", "sum", "bucket", "info", "created")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A function that gives some gauges, and what to call them."""

    name: str
    call: Gauges
    help: str
    ttl_seconds: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric with its samples: pairs of labels and value."""

    name: str
    kind: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], Number]]


Collector = Callable[[], Iterable[Family]]

_sources: dict[str, Source] = {}
_collectors: list[Collector] = []


def gauges(
    name: str, *, help: str = "", ttl_seconds: float | None = None
) -> Callable[[Gauges], Gauges]:
    """
    Declare a function that gives numbers for `/metrics/`.

    In JSON they are one entry: `{"users": {"total": 150, "trainers": 45}}`. In
    OpenMetrics each is a gauge: `total` is `<namespace>_users`, any other key is
    `<namespace>_users_<key>`.

    Args:
        name: lower case, words joined by underscores.
        help: one line; the function's docstring when empty.
        ttl_seconds: how long a result is good for; METRICS_TTL_SECONDS when None.
    """
    check_name(name)

    def declare(call: Gauges) -> Gauges:
        known = _sources.get(name)
        if known and where(known.call) != where(call):
            raise ConfigurationError(
                f"Two functions give the metrics {name!r}: {where(known.call)} and "
                f"{where(call)}. Rename one."
            )
        text = help or (call.__doc__ or f"{name} of the project").strip().split("\n")[0]
        _sources[name] = Source(
            name=name, call=call, help=text, ttl_seconds=ttl_seconds
        )
        return call

    return declare


def check_name(name: str) -> None:
    """Refuse what OpenMetrics would not take as the name of a gauge."""
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be the name of a metric: use lower-case letters, digits "
            "and single underscores, a letter first."
        )
    if "_" in name and name.rpartition("_")[2] in RESERVED:
        raise ConfigurationError(
            f"{name!r} cannot be the name of a gauge: OpenMetrics keeps the ending "
            f"_{name.rpartition('_')[2]} for another type."
        )


def where(call: Gauges) -> str:
    """Where a function is written, for an error message."""
    return f"{call.__module__}.{getattr(call, '__qualname__', repr(call))}"


def collector(call: Collector) -> Collector:
    """Add metrics that are at hand without waiting; they are not in the JSON."""
    if call not in _collectors:
        _collectors.append(call)
    return call


def sources() -> list[Source]:
    """Every declared source, in the order of declaration."""
    return list(_sources.values())


def collectors() -> list[Collector]:
    """Every registered collector."""
    return list(_collectors)


def forget(name: str) -> None:
    """Take a declaration back, as a test does after itself."""
    _sources.pop(name, None)
