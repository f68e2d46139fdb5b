"""`make run`: one command, all of TrainerHub, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys

import httpx
import psutil
import pytest

from acceptance.trainerhub_server import (
    CHECKOUT,
    TrainerHub,
    environment,
    get,
    running_trainerhub,
)
from tests.servers.processes import free_port, wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.long]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    with running_trainerhub(tmp_path_factory.mktemp("home")) as server:
        yield server


def family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def commands(pid: int) -> list[str]:
    return [" ".join(process.cmdline()) for process in family(pid)]


def web_servers(server: TrainerHub) -> int:
    """gunicorn's master and its workers, which share one command line."""
    return sum("gunicorn" in command for command in commands(server.process.pid))


def test_the_printed_addresses_answer(copy):
    printed = [line.strip() for line in copy.output.splitlines() if "http://" in line]
    answers = {url: get(url).status_code for url in printed}
    assert len(printed) == 8
    assert set(answers.values()) <= {200, 302}, answers


def test_the_first_start_says_where_to_look_and_not_how_it_was_made(copy):
    """Tables and demo data are a matter of the log files."""
    told = copy.output.partition("http://")[0].splitlines()
    assert [
        line for line in told if " DEBUG " in line or "Workflow created" in line
    ] == []
    assert "Workflow created" in (copy.home / "logs" / "workflows.log").read_text()


def test_the_printed_log_ins_work(copy):
    logins = json.loads((copy.home / "var" / "demo-logins.json").read_text())
    assert all(login["password"] in copy.output for login in logins.values())
    answer = httpx.post(
        f"{copy.url}/api/users/login/", json=logins["trainer"], trust_env=False
    )
    assert (answer.status_code, "token" in answer.json()) == (200, True)


def test_the_passwords_are_for_their_owner_alone(copy):
    mode = (copy.home / "var" / "demo-logins.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_two_web_workers_and_the_task_worker_run(copy):
    running = commands(copy.process.pid)
    assert web_servers(copy) == 3
    assert sum("db_worker" in command for command in running) == 1


def test_everything_lives_in_the_home(copy):
    assert (copy.home / "var" / "trainerhub.db").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_with_exit_code_0(seeded_home, number):
    with running_trainerhub(seeded_home()) as server:
        children = family(server.process.pid)
        server.process.send_signal(number)
        assert server.process.wait(40) == 0
        assert not any(child.is_running() for child in children)


def test_killed_outright_it_leaves_no_orphan(seeded_home):
    with running_trainerhub(seeded_home()) as server:
        children = family(server.process.pid)
        server.process.kill()
        wait_until(
            lambda: (
                not any(
                    child.is_running() and child.status() != psutil.STATUS_ZOMBIE
                    for child in children
                )
            ),
            30,
            "the end of the children",
        )


def test_a_dead_web_server_comes_back(copy):
    [master] = [
        child
        for child in psutil.Process(copy.process.pid).children()
        if "gunicorn" in " ".join(child.cmdline())
    ]
    os.killpg(master.pid, signal.SIGKILL)
    wait_until(lambda: "starting it again" in copy.output, 10, "a restart")
    wait_until(lambda: answers(f"{copy.url}/live/"), 60, "an answer")
    wait_until(lambda: web_servers(copy) == 3, 30, "both workers")


def answers(url: str) -> bool:
    try:
        return get(url).status_code < 500
    except httpx.TransportError:
        return False


def test_two_copies_run_side_by_side(copy, seeded_home):
    with running_trainerhub(seeded_home()) as other:
        assert answers(f"{copy.url}/live/")
        assert answers(f"{other.url}/live/")


def test_a_second_start_keeps_the_data(tmp_path):
    with running_trainerhub(tmp_path) as server:
        assert "demo data created" in server.output
    with running_trainerhub(tmp_path) as server:
        assert "demo data is there already" in server.output


def test_a_busy_port_is_refused_before_anything_is_made(copy, tmp_path):
    env = environment(tmp_path, int(copy.url.rpartition(":")[2]))
    ended = serve(env)
    assert (ended.returncode, "in use" in ended.stderr) == (1, True)
    assert not (tmp_path / "var" / "trainerhub.db").exists()


SAFE_KEY = "not-a-real-key-but-long-enough-for-a-production-start-0123456789"


@pytest.mark.parametrize("key", ["", "x" * 49], ids=["default", "short"])
def test_production_refuses_a_weak_secret_key(tmp_path, key):
    env = environment(tmp_path, free_port(), TRAINERHUB_ENVIRONMENT="production")
    env.pop("SECRET_KEY", None)
    ended = serve(env | ({"SECRET_KEY": key} if key else {}))
    assert ended.returncode != 0
    assert "SECRET_KEY is the default one or" in ended.stderr


def test_production_passes_django_s_deployment_checks(tmp_path):
    env = environment(
        tmp_path, free_port(), TRAINERHUB_ENVIRONMENT="production", SECRET_KEY=SAFE_KEY
    )
    ended = manage(env, "check", "--deploy", "--fail-level", "WARNING")
    assert ended.returncode == 0, ended.stderr


def serve(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return manage(env, "serve")


def manage(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
