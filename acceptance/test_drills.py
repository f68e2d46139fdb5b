"""Drills of the real TrainerHub: through its server, and into no number of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import httpx
import pytest

from acceptance.trainerhub_server import get, running_trainerhub
from tests.channels.receiver import receiving
from tests.servers.processes import wait_until
from tests.servers.web import CHECKOUT

pytestmark = [pytest.mark.acceptance, pytest.mark.long, pytest.mark.timeout(300)]
RULES = [
    "HighErrorRate", "HighErrorRateLowTraffic", "SlowResponses", "BackupMissing",
    "HeartbeatMissing", "MonitoringNoData",
]  # fmt: skip


@pytest.fixture(scope="module")
def hub(seeded_home):
    with running_trainerhub(seeded_home()) as server:
        yield server


def scraped(hub) -> str:
    """What a scraper sees."""
    url, headers = f"{hub.url}/metrics/", {"Accept": "text/plain"}
    return httpx.get(url, headers=headers, trust_env=False, timeout=30).text


def counts(hub) -> dict[str, float]:
    """Requests by route, method and status."""
    name = "http_server_request_duration_seconds_count"
    found = re.findall(rf"^({name}{{.*}}) (\S+)", scraped(hub), re.M)
    return {series: float(value) for series, value in found}


def is_told_by_all(hub, text: str) -> bool:
    """Whether each worker has it; the one that answered has it sooner than others."""
    return all(text in str(counts(hub)) for _ in range(10))


def test_rules_are_drilled_through_the_server_and_by_a_killed_process(hub):
    get(f"{hub.url}/api/trainers/")
    wait_until(lambda: is_told_by_all(hub, "/api/trainers/"), 60, "its count")
    before = counts(hub)
    done = hub.manage("spotter", "drill", *RULES, "--fast", "--require-real")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for name in RULES:
        assert re.search(rf"^{name} +real( +[\d.]+){{5}}$", done.stdout, re.M)
    assert "email would be sent: [DRILL] [FIRING]" in done.stdout
    assert counts(hub) == before
    found = json.loads(hub.manage("spotter", "status", "--json").stdout)
    assert (found["incidents"], found["firing"]) == ([], [])
    assert "spotter_drill" not in scraped(hub)


def test_a_drill_is_told_for_real_and_is_marked_everywhere(hub):
    with receiving() as slack, receiving(usual=(202, {}, "{}")) as pagerduty:
        env = {
            **hub.env, "SLACK_WEBHOOK_URL": slack.url, "PAGERDUTY_URL": pagerduty.url,
            "PAGERDUTY_ROUTING_KEY": "r" * 32,
        }  # fmt: skip
        done = run(env, "DatabaseDown", "--fast", "--deliver")
        assert done.returncode == 0, done.stdout + done.stderr
    assert [body["text"].split("] ")[0] for body in slack.bodies] == ["🔴 [DRILL", "✅ [DRILL"]  # fmt: skip
    # PagerDuty is for production; the reason is printed.
    assert pagerduty.bodies == []
    assert "pagerduty not: the environment is development" in done.stdout


def run(env, *arguments):
    return subprocess.run(
        [sys.executable, "manage.py", "spotter", "drill", *arguments],
        cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_drill_that_is_interrupted_tells_of_the_end(hub):
    with receiving() as slack:
        command = [sys.executable, "manage.py", "spotter", "drill", "LogLinesDropped", "--deliver"]  # fmt: skip
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env={**hub.env, "SLACK_WEBHOOK_URL": slack.url},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        wait_until(lambda: len(slack.bodies) == 1, 60, "the beginning")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=110)
    assert process.returncode == 1
    assert [("FIRING" in b["text"], "RESOLVED" in b["text"]) for b in slack.bodies] == [
        (True, False),
        (False, True),
    ]
    assert "MISSING stopped before the end" in out


def test_without_the_server_it_says_what_to_do(hub):
    done = hub.manage(
        "spotter", "drill", "HighErrorRate", "--url", "http://127.0.0.1:1", "--require-real",
    )  # fmt: skip
    assert done.returncode == 1
    assert "start the server, or name it with --url" in done.stdout
