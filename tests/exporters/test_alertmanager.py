"""Spotter's channels as Alertmanager has them, judged by Alertmanager's own tool."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess

import pytest
import yaml

from spotter.alerts.book import Book
from spotter.alerts.shipped import shipped
from spotter.channels import Channel, Email, PagerDuty, Sentry, Slack, Webhook
from spotter.exporters import alertmanager
from spotter.stores.sqlite import MEMORY, SqliteStore

MAIL = {
    "host": "smtp.example.com", "port": 587, "user": "apikey", "use_tls": True,
    "sender": "alerts@example.com",
}  # fmt: skip
SECRET = "https://hooks.slack.com/services/T0/B0/abcdef"
CHANNELS: list[Channel] = [
    Email(to=["ops@example.com", "boss@example.com"]),
    Slack(url=SECRET, severities=("critical", "warning"), hours=("22:00", "06:00"), timezone="Europe/Berlin"),
    PagerDuty(routing_key="k" * 32),
    Slack(name="boss", url=SECRET, after_seconds=900, rules=("BackupMissing",)),
]  # fmt: skip
needs_amtool = pytest.mark.skipif(
    not shutil.which("amtool"), reason="amtool is not installed"
)


def text(channels=CHANNELS, environment="production", mail=MAIL):
    return alertmanager.main_file(
        shipped(lambda: Book(SqliteStore(MEMORY))), channels,
        environment=environment, mail=mail,
    )  # fmt: skip


def amtool(folder, written, *arguments):
    path = folder / "alertmanager.yml"
    path.write_text(written)
    ran = subprocess.run(
        ["amtool", *[a.replace("FILE", str(path)) for a in arguments]],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    text = ran.stdout if ran.returncode == 0 else ran.stdout + ran.stderr
    return ran.returncode, text.strip()


@needs_amtool
@pytest.mark.parametrize("channels", [CHANNELS, [], CHANNELS[2:3]])
def test_alertmanager_finds_nothing_wrong_with_it(tmp_path, channels):
    code, said = amtool(tmp_path, text(channels), "check-config", "FILE")
    assert code == 0, said


@needs_amtool
@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["alertname=HighErrorRate", "severity=critical"], "email,slack,pagerduty"),
        (["alertname=HighCPU", "severity=warning"], "email,slack"),
        (["alertname=SlowQueryRegression", "severity=info"], "email"),
        (["alertname=BackupMissing", "severity=critical"], "email,slack,pagerduty,boss"),
    ],
)  # fmt: skip
def test_an_alert_goes_where_spotter_sends_it(tmp_path, labels, receivers):
    code, said = amtool(
        tmp_path, text(), "config", "routes", "test", "--config.file=FILE", *labels
    )
    assert (code, said) == (0, receivers)


@needs_amtool
def test_outside_production_nobody_is_paged_and_the_file_says_so(tmp_path):
    written = text(environment="staging")
    code, said = amtool(
        tmp_path, written, "config", "routes", "test", "--config.file=FILE",
        "alertname=HighErrorRate", "severity=critical",
    )  # fmt: skip
    assert (code, said) == (0, "email,slack")
    assert "# Not here: pagerduty, since this is staging and not production." in written


def test_no_secret_is_in_it_but_the_names_of_files():
    written = text([*CHANNELS, Webhook(url=SECRET, secret="s3cret")])
    assert SECRET not in written
    assert "k" * 32 not in written
    assert "s3cret" not in written
    assert "routing_key_file: /etc/alertmanager/secrets/pagerduty" in written


def test_what_alertmanager_cannot_do_is_said():
    written = text([Sentry(), Webhook(url=SECRET), CHANNELS[3]])
    assert "Not here: sentry, since Alertmanager cannot send as Sentry does." in written
    assert "Not here: webhook" in written
    assert "boss is told after 15m, acknowledged or not." in written


def test_what_explains_a_rule_mutes_it_within_its_service():
    found = yaml.safe_load(text())["inhibit_rules"]
    assert {
        "source_matchers": ['alertname=~"DatabaseDown|CacheDown"'],
        "target_matchers": ['alertname="HighErrorRate"'],
        "equal": ["job"],
    } in found


def test_hours_over_midnight_are_two_stretches():
    (interval,) = yaml.safe_load(text())["time_intervals"][0]["time_intervals"]
    assert interval["location"] == "Europe/Berlin"
    assert interval["times"] == [
        {"start_time": "22:00", "end_time": "24:00"},
        {"start_time": "00:00", "end_time": "06:00"},
    ]


def test_a_channel_reminds_as_often_as_in_spotter():
    routes = yaml.safe_load(text())["route"]["routes"]
    found = {route["receiver"]: route["repeat_interval"] for route in routes}
    assert found["email"] == "4h"
    assert found["pagerduty"] == alertmanager.NEVER
    rare = dataclasses.replace(Email(to=["a@example.com"]), remind_seconds=600.0)
    (route,) = yaml.safe_load(text([rare]))["route"]["routes"]
    assert route["repeat_interval"] == "10m"
