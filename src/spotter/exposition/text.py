"""Metrics as text: OpenMetrics 1.0, and Prometheus' older format."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from spotter.metrics import Family, Number

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

Escape = Callable[[str], str]


def openmetrics(families: Iterable[Family]) -> str:
    """The families in OpenMetrics, with the end mark that it demands."""
    return "".join(family_text(family, escaped_help) for family in families) + "# EOF\n"


def prometheus(families: Iterable[Family]) -> str:
    """The families in Prometheus' text format 0.0.4."""
    return "".join(family_text(family, plain_help) for family in families)


def family_text(family: Family, help_text: Escape) -> str:
    """One family: its help, its type, its samples."""
    # A counter's family has no suffix in OpenMetrics, its samples have; the older
    # format knows samples only.
    suffix = "_total" if family.kind == "counter" else ""
    name = family.name + (suffix if help_text is plain_help else "")
    lines = [
        f"# HELP {name} {help_text(family.help)}",
        f"# TYPE {name} {family.kind}",
        *(
            f"{family.name}{suffix}{label_text(labels)} {number(value)}"
            for labels, value in family.samples
        ),
    ]
    return "\n".join(lines) + "\n"


def plain_help(text: str) -> str:
    """Help as the older format escapes it, which leaves quotes alone."""
    return text.replace("\\", r"\\").replace("\n", r"\n")


def escaped_help(text: str) -> str:
    """Help, or a label's value, as OpenMetrics escapes it."""
    return plain_help(text).replace('"', r"\"")


def label_text(labels: Mapping[str, str]) -> str:
    """Labels in braces; nothing when there are none."""
    pairs = (f'{name}="{escaped_help(value)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}" if labels else ""


def number(value: Number) -> str:
    """A value, written as both formats read it."""
    if isinstance(value, int):
        return str(int(value))
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)
