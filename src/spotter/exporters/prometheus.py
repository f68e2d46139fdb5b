"""Prometheus' configuration and its rules, from Spotter's."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from spotter.alerts.rules import Rule
from spotter.exporters.promql import (
    UnexportedError,
    condition,
    duration,
    label_name,
    say,
)
from spotter.exporters.yaml import dump

#: How often Prometheus scrapes and evaluates: as often as the store has a new window.
INTERVAL = "10s"
RULES, TESTS, MAIN = "spotter.rules.yml", "spotter.rules.test.yml", "prometheus.yml"
#: What a message says of a number, as a template of Prometheus has it.
UNITS = {
    "share": "humanizePercentage",
    "seconds": "humanizeDuration",
    "days": "humanizeDuration",
}
#: What only Spotter can say, with the brackets or the colon around it.
NOTE = re.compile(r"\s*\([^()]*\{note\}[^()]*\)|:?\s*\{note\}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """
    The service that is scraped.

    Args:
        job: what tells its series from other services'.
        address: host:port, as Prometheus reaches it.
        scheme: "http" or "https".
        token_file: the file with the token of `/metrics/`, as Prometheus sees it; ""
            where it asks for none.
        runbooks: what the names of runbook pages are put behind; "" for no links.
    """

    job: str
    address: str = "127.0.0.1:8000"
    scheme: str = "http"
    path: str = "/metrics/"
    token_file: str = ""
    runbooks: str = ""
    environment: str = ""


def exported(rules: Sequence[Rule], job: str) -> tuple[list[Rule], dict[str, str]]:
    """The rules that can be said, and why each of the others cannot."""
    said, unsaid = [], {}
    for rule in rules:
        try:
            say(rule.expression, rule, job)
        except UnexportedError as error:
            unsaid[rule.name] = str(error)
        else:
            said.append(rule)
    return said, unsaid


def rule_file(rules: Sequence[Rule], target: Target) -> str:
    """The rules, with a comment for each that is not among them."""
    said, unsaid = exported(rules, target.job)
    head = [
        "Written by `manage.py spotter export prometheus` from the rules of this project:",
        "change those and write it again.",
        *(f"Not here: {name}, since {why}." for name, why in unsaid.items()),
    ]
    group = {
        "name": f"spotter-{target.job}",
        "interval": INTERVAL,
        "rules": [alert(rule, target) for rule in said],
    }
    return dump({"groups": [group]}, head="\n".join(head))


def alert(rule: Rule, target: Target) -> dict[str, Any]:
    """One rule."""
    own = {label_name(name): value for name, value in rule.labels.items()}
    written: dict[str, Any] = {
        "alert": rule.name,
        "expr": condition(rule, target.job),
        "for": duration(rule.for_),
    }
    if rule.keep_firing_for:
        written["keep_firing_for"] = duration(rule.keep_firing_for)
    written["labels"] = {"severity": str(rule.severity), "job": target.job, **own}
    written["annotations"] = {"summary": summary(rule, target.job)}
    if address := rule.runbook_at(target.runbooks):
        written["annotations"]["runbook_url"] = address
    return written


def summary(rule: Rule, job: str) -> str:
    """The rule's sentence as a template of Prometheus."""
    text = NOTE.sub("", rule.summary) or rule.name
    value = f"{{{{ $value | {UNITS.get(rule.unit, 'humanize')} }}}}"
    by = say(rule.expression, rule, job).by
    labels = ", ".join(f"{{{{ $labels.{name} }}}}" for name in by)
    return " ".join(text.replace("{value}", value).replace("{labels}", labels).split())


def main_file(target: Target) -> str:
    """A configuration that scrapes the service and evaluates the rules."""
    scrape: dict[str, Any] = {
        "job_name": target.job,
        "scheme": target.scheme,
        "metrics_path": target.path,
    }
    if target.token_file:
        scrape["authorization"] = {"credentials_file": target.token_file}
    scrape["static_configs"] = [{"targets": [target.address]}]
    external = {"environment": target.environment} if target.environment else {}
    return dump(
        {
            "global": {
                "scrape_interval": INTERVAL,
                "evaluation_interval": INTERVAL,
                **({"external_labels": external} if external else {}),
            },
            "rule_files": [RULES],
            "scrape_configs": [scrape],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": ["127.0.0.1:9093"]}]}]
            },
        },
        head="Written by `manage.py spotter export prometheus`.\n"
        "Spotter adds up the workers itself: scrape any one of them, once.",
    )
