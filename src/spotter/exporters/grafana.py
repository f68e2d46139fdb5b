"""A dashboard for Grafana over what `/metrics/` exposes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from spotter.exporters.promql import exposed, selected

MAIN = "spotter.json"
#: The version of Grafana's model that is written; newer ones take it over by themselves.
SCHEMA = 38
#: Grafana's grid is 24 wide: two panels beside each other.
WIDTH, HEIGHT = 12, 8
RATE = "$__rate_interval"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """
    One chart.

    Args:
        lines: expressions and what the legend says of them.
        unit: Grafana's name of it.
        limit: drawn as a line, where an alert has one.
    """

    title: str
    unit: str
    lines: Sequence[tuple[str, str]]
    limit: float | None = None
    help: str = ""


class Series:
    """
    Expressions over the series of one job.

    Args:
        job: whose they are; a Prometheus has other services' too.
    """

    def __init__(self, job: str) -> None:
        self.job = job

    def at(self, family: str, ending: str = "", **labels: str) -> str:
        """The series themselves."""
        return selected(f"{family}{ending}", labels, self.job)

    def rate(self, family: str, ending: str, by: str = "", **labels: str) -> str:
        """How much a second."""
        group = f" by ({by})" if by else ""
        return f"sum{group} (rate({self.at(family, ending, **labels)}[{RATE}]))"

    def mean(self, family: str, by: str) -> str:
        """A histogram's mean."""
        return f"{self.rate(family, '_sum', by)} / {self.rate(family, '_count', by)}"


def panels(job: str) -> list[Panel]:
    """Users first, then what they wait for, then what it runs on."""
    series = Series(job)
    return [*of_requests(series), *of_waiting(series), *of_machines(series)]


def of_requests(series: Series) -> list[Panel]:
    """What users get."""
    requests = exposed("http.server.request.duration", "histogram")
    everything = exposed("spotter.http.server.duration", "histogram")
    return [
        Panel(
            title="Requests", unit="reqps",
            lines=[(series.rate(everything, "_count", "http_response_status_class"), "{{http_response_status_class}}")],
        ),
        Panel(
            title="Failed requests", unit="percentunit", limit=0.01,
            help="The share answered with 5xx; HighErrorRate fires above 1 %.",
            lines=[(
                f"{series.rate(everything, '_count', http_response_status_class='5xx')} / {series.rate(everything, '_count')}",
                "failed",
            )],
        ),
        Panel(
            title="Response time", unit="s", limit=2.0,
            help="SlowResponses fires when p95 is over 2 s.",
            lines=[
                (f"histogram_quantile({q}, {series.rate(everything, '_bucket', 'le')})", f"p{round(100 * q)}")
                for q in (0.5, 0.95, 0.99)
            ],
        ),
        Panel(
            title="Slowest routes", unit="s",
            help="p95 of the five slowest.",
            lines=[(
                f"topk(5, histogram_quantile(0.95, {series.rate(requests, '_bucket', 'le, http_route')}))",
                "{{http_route}}",
            )],
        ),
        Panel(
            title="Failing routes", unit="reqps",
            lines=[(
                f"topk(5, {series.rate(requests, '_count', 'http_route', http_response_status_code='~5.*')} > 0)",
                "{{http_route}}",
            )],
        ),
    ]  # fmt: skip


def of_waiting(series: Series) -> list[Panel]:
    """What requests and tasks wait for."""
    queries = exposed("db.client.operation.duration", "histogram")
    lookups = exposed("spotter.cache.lookups", "counter")
    tasks = exposed("spotter.task.events", "counter")
    return [
        Panel(
            title="Queries", unit="ops",
            lines=[(series.rate(queries, "_count", "db_operation_name"), "{{db_operation_name}}")],
        ),
        Panel(
            title="Query time", unit="s",
            lines=[(f"histogram_quantile(0.95, {series.rate(queries, '_bucket', 'le')})", "p95")],
        ),
        Panel(
            title="Cache", unit="percentunit",
            help="The share of lookups that hit.",
            lines=[(
                f"{series.rate(lookups, '_total', result='hit')} / {series.rate(lookups, '_total')}",
                "hits",
            )],
        ),
        Panel(
            title="Tasks", unit="ops",
            lines=[(series.rate(tasks, "_total", "event"), "{{event}}")],
        ),
        Panel(
            title="Oldest waiting task", unit="s", limit=600,
            lines=[(f"max by (queue) ({series.at(exposed('spotter.task.queue.oldest', 'gauge'))})", "{{queue}}")],
        ),
    ]  # fmt: skip


def of_machines(series: Series) -> list[Panel]:
    """What all of it runs on and depends on."""
    return [
        Panel(
            title="CPU and memory", unit="percentunit", limit=0.8,
            lines=[
                (series.at(exposed("system.cpu.utilization", "gauge")), "CPU {{host_name}}"),
                (series.at(exposed("system.memory.utilization", "gauge")), "memory {{host_name}}"),
            ],
        ),
        Panel(
            title="Disks", unit="percentunit", limit=0.8,
            lines=[(series.at(exposed("system.filesystem.utilization", "gauge")), "{{host_name}} {{system_filesystem_mountpoint}}")],
        ),
        Panel(
            title="Calls to other servers", unit="s",
            lines=[(series.mean(exposed("http.client.request.duration", "histogram"), "server_address"), "{{server_address}}")],
        ),
        Panel(
            title="Probes", unit="bool_on_off",
            lines=[(f"max by (probe) ({series.at(exposed('spotter.probe.success', 'gauge'))})", "{{probe}}")],
        ),
    ]  # fmt: skip


def main_file(job: str, title: str) -> str:
    """The dashboard as Grafana imports it."""
    document = {
        "title": f"{title} by Spotter",
        "uid": f"spotter-{job}"[:40],
        "tags": ["spotter", "django"],
        "schemaVersion": SCHEMA,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "utc",
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                }
            ]
        },
        "panels": [
            placed(number, panel) for number, panel in enumerate(panels(job), 1)
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def placed(number: int, panel: Panel) -> dict[str, Any]:
    """A panel in its place, the first beside the second."""
    row, column = divmod(number - 1, 24 // WIDTH)
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.help,
        "datasource": SOURCE,
        "gridPos": {
            "x": WIDTH * column,
            "y": HEIGHT * row,
            "w": WIDTH,
            "h": HEIGHT,
        },
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": {
                    "lineWidth": 1,
                    "fillOpacity": 10,
                    "thresholdsStyle": {
                        "mode": "line" if panel.limit is not None else "off"
                    },
                },
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + position),
                "datasource": SOURCE,
                "expr": expression,
                "legendFormat": legend,
            }
            for position, (expression, legend) in enumerate(panel.lines)
        ],
    }
