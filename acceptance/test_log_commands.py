"""What the documentation types into a shell, on the logs of a real server."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import time

import httpx
import pytest

from acceptance.trainerhub_server import running_trainerhub
from tests.servers.processes import wait_until

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def server(seeded_home):
    with running_trainerhub(seeded_home()) as running:
        ended = running.manage(
            *("simulate", "--url", running.url, "--duration", "60", "--rate", "40"),
            *("--requests", "60", "--fault", "error-burst", "--fault-share", "0.2"),
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        yield running


def shell(server, command: str) -> str:
    """Type a command in the home, where logs/ is."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=server.home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    ).stdout


def test_every_file_of_the_development_set_up_is_there(server):
    names = {file.name for file in (server.home / "logs").iterdir()}
    assert {"trainerhubb.log", "debug.log", "workflows.log", "api.log"} <= names


def test_grep_finds_errors(server):
    found = shell(server, "grep ERROR logs/trainerhubb.log")
    assert "DemonstrationError" in found or "Internal Server Error" in found


def test_grep_finds_an_hour(server):
    hour = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:")
    before = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).strftime("%Y-%m-%d %H:")
    found = shell(server, f'grep -h -e "{hour}" -e "{before}" logs/trainerhubb.log')
    assert found.count("\n") > 10


def test_tail_follows_what_is_written(server):
    with subprocess.Popen(
        ["tail", "-n", "0", "-f", str(server.home / "logs" / "api.log")],
        stdout=subprocess.PIPE,
        text=True,
    ) as tail:
        time.sleep(0.2)
        httpx.get(f"{server.url}/followed", trust_env=False)
        assert tail.stdout is not None
        assert "/followed" in tail.stdout.readline()
        tail.kill()


def test_find_deletes_old_archives_and_nothing_else(server):
    logs = server.home / "logs"
    old, young = logs / "api.log.20240101T000000.000000Z.gz", logs / "api.log.1.gz"
    for file in (old, young):
        file.write_bytes(b"")
    month_ago = time.time() - 31 * 86400
    os.utime(old, (month_ago, month_ago))
    os.utime(logs / "workflows.log", (month_ago, month_ago))
    shell(server, 'find logs/ -name "*.log.*" -mtime +30 -delete')
    assert (old.exists(), young.exists()) == (False, True)
    assert (logs / "workflows.log").exists()


def test_one_request_is_shown_whole_by_its_id(server):
    answer = httpx.get(
        f"{server.url}/api/users/me/",
        headers={"X-Request-ID": "the-one-we-seek"},
        trust_env=False,
    )
    assert answer.headers["X-Request-ID"] == "the-one-we-seek"

    def shown() -> bool:
        found = server.manage("spotter", "logs", "show", "the-one-we-seek").stdout
        return "/api/users/me/" in found and "401" in found

    wait_until(shown, 20, "the request in the logs")
