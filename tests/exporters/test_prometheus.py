"""Spotter's rules as Prometheus has them, judged by Prometheus' own tools."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess

import pytest
import yaml

from spotter.alerts.book import Book
from spotter.alerts.expressions import Computed, Gauge, Increase, SlowShare
from spotter.alerts.rules import Rule, Severity
from spotter.alerts.shipped import shipped
from spotter.exporters import prometheus, promtool
from spotter.exporters.prometheus import Target
from spotter.stores.sqlite import MEMORY, SqliteStore

pytestmark = pytest.mark.long

TARGET = Target(job="shop", runbooks="https://example.com/runbooks/")
RULES = shipped(lambda: Book(SqliteStore(MEMORY)))
needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed"
)


def write(folder, rules, tested=None):
    (folder / prometheus.RULES).write_text(prometheus.rule_file(rules, TARGET))
    (folder / prometheus.TESTS).write_text(promtool.test_file(tested or rules, TARGET))
    (folder / prometheus.MAIN).write_text(prometheus.main_file(TARGET))


def run(folder, *arguments):
    ran = subprocess.run(
        ["promtool", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    return ran.returncode, ran.stdout + ran.stderr


@needs_promtool
def test_prometheus_finds_nothing_wrong_with_the_rules(tmp_path):
    write(tmp_path, RULES)
    code, text = run(tmp_path, "check", "rules", "--lint=all", "--lint-fatal", prometheus.RULES)  # fmt: skip
    assert code == 0, text
    code, text = run(tmp_path, "check", "config", prometheus.MAIN)
    assert code == 0, text


@needs_promtool
def test_every_rule_fires_in_prometheus_above_its_limit_and_not_at_it(tmp_path):
    write(tmp_path, RULES)
    code, text = run(tmp_path, "test", "rules", prometheus.TESTS)
    assert code == 0, text[:3000]


@needs_promtool
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("HighErrorRate", {"threshold": 0.0102}),
        ("HighErrorRate", {"clear": 0.0098}),
        ("SlowResponses", {"threshold": 0.0498}),
        ("DiskSpaceLow", {"threshold": 0.8002}),
        ("HighMemory", {"for_": 310.0}),
        ("HealthCheckFailing", {"below": False}),
        ("CertificateExpiring", {"clear": None}),
    ],
)
def test_a_rule_that_says_something_else_fails_the_tests_of_the_right_one(
    tmp_path, name, change
):
    right = [rule for rule in RULES if rule.name == name]
    write(tmp_path, [dataclasses.replace(right[0], **change)], tested=right)
    code, _ = run(tmp_path, "test", "rules", prometheus.TESTS)
    assert code == 1


def test_what_cannot_be_said_is_named_with_the_reason():
    text = prometheus.rule_file(RULES, TARGET)
    found = {r["alert"] for r in yaml.safe_load(text)["groups"][0]["rules"]}
    left_out = {
        "NotificationChannelFailing", "BackupMissing", "HeartbeatMissing",
        "SlowQueryRegression", "DeployMadeItWorse",
    }  # fmt: skip
    assert found == {rule.name for rule in RULES} - left_out
    comment = "".join(line for line in text.splitlines() if line.startswith("#"))
    assert all(f"Not here: {name}, since " in comment for name in left_out)


def test_an_alert_has_its_severity_its_runbook_and_a_sentence():
    (written,) = yaml.safe_load(prometheus.rule_file(RULES[:1], TARGET))["groups"][0]["rules"]  # fmt: skip
    assert written["labels"] == {"severity": "critical", "job": "shop"}
    assert written["for"] == "1m"
    assert written["annotations"] == {
        "summary": "{{ $value | humanizePercentage }} of requests fail",
        "runbook_url": "https://example.com/runbooks/high-error-rate",
    }


QUEUE = Rule(
    name="QueueLong",
    expression=Gauge(name="spotter.task.queue.depth", by=("queue",)),
    threshold=1000,
    keep_firing_for=120.0,
    severity=Severity.WARNING,
    labels={"team.name": "ops"},
    summary="{value} tasks wait in {labels}",
)


@needs_promtool
def test_a_projects_own_rules_are_exported_alike(tmp_path):
    failed = Rule(
        name="PaymentsFail",
        expression=Increase(name="trainerhub.payments.failed", window=600.0),
        threshold=5,
        summary="{value} payments failed",
    )
    said = Rule(name="Said", expression=Computed(lambda s, n: [], promql="vector(1)"))
    write(tmp_path, [dataclasses.replace(QUEUE, keep_firing_for=0.0), failed, said])
    code, text = run(tmp_path, "test", "rules", prometheus.TESTS)
    assert code == 0, text
    assert 'trainerhub_payments_failed_total{job="shop"}' in (
        (tmp_path / prometheus.RULES).read_text()
    )


def test_labels_and_keeping_are_taken_over():
    (written,) = yaml.safe_load(prometheus.rule_file([QUEUE], TARGET))["groups"][0]["rules"]  # fmt: skip
    assert written["keep_firing_for"] == "2m"
    assert written["labels"]["team_name"] == "ops"
    assert "{{ $labels.queue }}" in written["annotations"]["summary"]


def test_a_limit_between_two_buckets_cannot_be_said_and_tells_which_there_are():
    slow = Rule(name="Slow", expression=SlowShare(name="http.server.request.duration", seconds=3.0, window=300.0))  # fmt: skip
    text = prometheus.rule_file([slow], TARGET)
    assert "Not here: Slow, since /metrics/ has no bucket that ends at 3 s" in text
    assert "2, 4, 8" in text


def test_a_token_is_read_from_a_file_and_never_written():
    target = dataclasses.replace(
        TARGET, token_file="/etc/prometheus/token", environment="production"
    )
    main = yaml.safe_load(prometheus.main_file(target))
    (scrape,) = main["scrape_configs"]
    assert scrape["authorization"] == {"credentials_file": "/etc/prometheus/token"}
    assert main["global"]["external_labels"] == {"environment": "production"}
