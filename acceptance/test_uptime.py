"""Uptime of the real TrainerHub: two real watchers, a real browser, a real backup."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Literal

import httpx
import pytest
from playwright.sync_api import sync_playwright

from acceptance.test_dashboard import complaints
from acceptance.trainerhub_server import environment as demo_environment
from acceptance.trainerhub_server import running_trainerhub as running_demo
from tests.channels.receiver import receiving
from tests.servers.processes import program, wait_until
from tests.servers.proxy import FaultProxy
from tests.servers.trainerhub import environment, running_trainerhub
from tests.servers.web import CHECKOUT, child_environment

pytestmark = [pytest.mark.acceptance, pytest.mark.long, pytest.mark.timeout(300)]

Scheme = Literal["light", "dark"]
LOOKS: list[tuple[int, Scheme]] = [(1440, "light"), (1440, "dark"), (390, "dark")]
#: A watcher that says that it runs on another host.
WATCH_FROM = (
    "import socket, sys; host = sys.argv.pop(1); socket.gethostname = lambda: host; "
    "import runpy; sys.argv = ['manage.py', 'spotter', 'watch']; "
    "runpy.run_path('manage.py', run_name='__main__')"
)


@contextlib.contextmanager
def watching(host: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", WATCH_FROM, host],
        cwd=CHECKOUT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def status(url: str) -> str:
    # It changes every fifteen seconds at most.
    time.sleep(0.5)
    answer = httpx.get(f"{url}/status/status.json", trust_env=False, timeout=30)
    return str(answer.json()["components"][0]["status"])


def test_two_watchers_on_two_hosts_agree_before_anybody_is_told(migrated_home):
    """Each reaches the service by a way of its own; one broken way is not an outage."""
    home = migrated_home()
    with receiving() as slack, running_trainerhub(home) as server:
        ways = {name: FaultProxy(server.port) for name in ("berlin", "tokyo")}

        def env(host: str) -> dict[str, str]:
            extra = {
                "SLACK_WEBHOOK_URL": slack.url, "EMAIL_HOST": "127.0.0.1",
                "SPOTTER_PROBE_URL": f"http://127.0.0.1:{ways[host].port}",
            }  # fmt: skip
            return child_environment(environment(home, extra))

        def told(word: str) -> bool:
            return any(
                word in body["text"] and "does not answer" in body["text"]
                for body in slack.bodies
            )

        with watching("berlin", env("berlin")), watching("tokyo", env("tokyo")):
            wait_until(lambda: status(server.url) == "operational", 90, "it is up")
            ways["berlin"].misbehave("down")
            # Time for three probes from each.
            assert not is_true_within(lambda: told("FIRING"), 35)
            assert status(server.url) == "operational"
            ways["tokyo"].misbehave("down")
            wait_until(lambda: told("FIRING"), 90, "both say so")
            wait_until(lambda: status(server.url) == "down", 60, "the public sees it")
            ways["tokyo"].misbehave(None)
            wait_until(lambda: told("RESOLVED"), 90, "one way is enough")
            wait_until(lambda: status(server.url) == "operational", 60, "it is up")
        # Nobody watches any more.
        wait_until(lambda: status(server.url) == "unknown", 120, "nobody knows")
        for way in ways.values():
            way.stop()


def is_true_within(condition, seconds: float) -> bool:
    try:
        wait_until(condition, seconds, "")
    except AssertionError:
        return False
    return True


def test_a_browser_has_nothing_against_the_status_page(seeded_home):
    path = program("chromium")
    with running_demo(seeded_home()) as server, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(path), args=["--no-sandbox"]
        )
        for width, scheme in LOOKS:
            page = chromium.new_page(
                viewport={"width": width, "height": 900}, color_scheme=scheme
            )
            assert complaints(page, f"{server.url}/status/") == []
            assert page.locator("h1").inner_text() == "TrainerHub"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        wait_until(lambda: status(server.url) == "operational", 90, "it is up")
        page.reload()
        assert page.locator("h2").first.inner_text() == "All systems operational"
        chromium.close()


def test_a_backup_is_heard_of_and_a_failed_one_with_its_reason(tmp_path):
    production = {
        "TRAINERHUB_ENVIRONMENT": "production", "SECRET_KEY": "long " * 10,
    }  # fmt: skip
    env = demo_environment(tmp_path, 1, **production)

    def manage(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=CHECKOUT,
            env={**env, **more}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert manage("migrate", "--verbosity=0").returncode == 0
    done = manage("backup")
    assert "restored for a test" in done.stdout, done.stderr
    assert manage("spotter", "heartbeats").stdout == "backup: well\n"
    (made,) = (tmp_path / "var" / "backups").iterdir()
    assert made.stat().st_mode & 0o777 == 0o600
    (tmp_path / "var" / "trainerhub.db").write_bytes(os.urandom(8192))
    assert manage("backup").returncode == 1
    found = manage("spotter", "heartbeats")
    assert found.returncode == 1
    assert "backup failed" in found.stdout
    assert "not a database" in found.stdout
    assert list((tmp_path / "var" / "backups").iterdir()) == [made]
