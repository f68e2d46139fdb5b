"""Ninety days of probes for the tests of uptime and of the status page."""

from __future__ import annotations

from collections.abc import Callable

from spotter.entries import Batch, Series
from spotter.stores import Store

HOUR, DAY = 3600, 86400
EVERY = 10.0


def probe_hour(
    batch: Batch,
    monitor: str,
    at: float,
    right: int,
    wrong: int = 0,
    watcher: str = "a",
) -> None:
    """So many right and wrong probes in the ten seconds from an instant on."""
    labels = {"probe": monitor, "watcher": watcher}
    series = Series.of("spotter.probe.success", labels)
    point = batch.point(series, at)
    for number in range(right + wrong):
        point.set(float(number >= wrong), at)
    took = batch.point(Series.of("spotter.probe.duration", {"probe": monitor}), at)
    for _ in range(right + wrong):
        took.observe(0.045)


def probe_days(
    store: Store,
    monitor: str,
    now: float,
    days: int,
    wrong: Callable[[int], int | None] = lambda hours_ago: 0,
) -> None:
    """Whole hours of 360 probes; `wrong` says how many failed, None for no probes."""
    batch = Batch()
    for ago in range(days * 24, 0, -1):
        failed = wrong(ago)
        if failed is not None:
            at = int(now) // HOUR * HOUR - ago * HOUR
            probe_hour(batch, monitor, at, 360 - failed, failed)
    store.write(batch)
    store.roll_up(now)


def probe_now(store: Store, monitor: str, now: float, *, is_up: bool = True) -> None:
    """The latest probe, which failed for the second time if it did."""
    batch = Batch()
    labels = {"probe": monitor, "watcher": "a"}
    for name, value in (("success", float(is_up)), ("failures", 0.0 if is_up else 2.0)):
        batch.point(Series.of(f"spotter.probe.{name}", labels), now).set(value, now)
    store.write(batch)
