"""Numbers as people read them: three digits that mean something, and their unit."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable

NONE = "–"  # noqa: RUF001 (typography)


def seconds(value: float | None) -> str:
    """A duration: `12 ms`, `1.24 s`, `3.5 min`, `2.1 h`."""
    if value is None or math.isnan(value):
        return NONE
    if value < 1e-3:
        return f"{three(value * 1e6)} µs" if value else "0 ms"
    if value < 1:
        return f"{three(value * 1e3)} ms"
    if value < 120:
        return f"{three(value)} s"
    if value < 7200:
        return f"{three(value / 60)} min"
    return f"{three(value / 3600)} h"


def count(value: float | None) -> str:
    """A number of things: `0`, `12`, `1,234`, `12.3k`, `4.56M`."""
    if value is None or math.isnan(value):
        return NONE
    if value < 10_000:
        is_whole = value == int(value) or value >= 1000
        return f"{value:,.0f}" if is_whole else three(value)
    for limit, scale, suffix in (
        (1e6, 1e3, "k"),
        (1e9, 1e6, "M"),
        (math.inf, 1e9, "G"),
    ):
        if value < limit:
            return f"{three(value / scale)}{suffix}"
    return NONE


def share(value: float | None) -> str:
    """A part of a whole, 0 to 1, in per cent."""
    if value is None or math.isnan(value):
        return NONE
    if 0 <= value < 0.0005:
        return "< 0.1 %" if value else "0 %"
    return f"{100 * value:.1f} %" if value < 0.1 else f"{100 * value:.0f} %"


def size(value: float | None) -> str:
    """Bytes, in powers of 1,000."""
    if value is None or math.isnan(value):
        return NONE
    for limit, scale, unit in (
        (1e3, 1, "B"), (1e6, 1e3, "kB"), (1e9, 1e6, "MB"), (1e12, 1e9, "GB"),
    ):  # fmt: skip
        if value < limit:
            return f"{three(value / scale)} {unit}"
    return f"{three(value / 1e12)} TB"


def per_minute(value: float | None) -> str:
    """A rate, once a minute."""
    return f"{count(value)}/min" if value is not None else NONE


def three(value: float) -> str:
    """Three digits that mean something: 0.123, 1.23, 12.3, 123."""
    # A sum's last digits depend on the order in which a store added it up: what is half
    # way between two must be rounded alike whichever store it is.
    value = float(f"{value:.9g}")
    size_ = abs(value)
    digits = 0 if size_ >= 100 else 1 if size_ >= 10 else 2
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def number_of(things: int, one: str, many: str) -> str:
    """So many of something: `1 incident`, `1,200 incidents`."""
    return f"{things:,} {one if things == 1 else many}"


def short(text: str, length: int) -> str:
    """The beginning of a text, and a sign where some is left out."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def moment(at: float) -> str:
    """An instant in UTC, to the second."""
    return f"{datetime.datetime.fromtimestamp(at, datetime.UTC):%Y-%m-%d %H:%M:%S}"


def ago(elapsed: float) -> str:
    """How long ago, in one word or two."""
    if elapsed < 90:
        return f"{max(elapsed, 0):.0f} s ago"
    if elapsed < 5400:
        return f"{elapsed / 60:.0f} min ago"
    return (
        f"{elapsed / 3600:.0f} h ago"
        if elapsed < 172800
        else f"{elapsed / 86400:.0f} days ago"
    )


#: How to write the values of a chart, by its unit.
FORMATS: dict[str, Callable[[float | None], str]] = {
    "s": seconds,
    "count": count,
    "share": share,
    "bytes": size,
    "1/min": per_minute,
}
