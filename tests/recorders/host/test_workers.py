"""Each worker that is gone counts once, whichever sibling finds out."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from typing import Any

import pytest

from spotter.recorders.host.ledger import Ledger
from spotter.recorders.host.servers import Server
from spotter.recorders.host.workers import (
    MAX_LEFT,
    Workers,
    children_of,
    ended_in,
    name_if_worker,
    name_of,
    workers_of,
)
from tests.servers.processes import wait_until

ME = os.getpid()
GUNICORN = Server(name="gunicorn", pid=ME, configured=2, threads=4, says_goodbye=True)
UVICORN = Server(name="uvicorn", pid=ME, configured=2)


@pytest.fixture
def page():
    """Of a server with two workers."""
    page: dict[str, Any] = {}
    assert ended_in(page, GUNICORN, ["1@1", "2@1"]) == []
    return page


def test_one_that_is_gone_without_a_word_was_killed(page):
    assert ended_in(page, GUNICORN, ["2@1", "3@9"]) == ["killed"]
    assert ended_in(page, GUNICORN, ["2@1", "3@9"]) == []


def test_one_that_said_goodbye_has_exited(page):
    page["left"] = ["1@1"]
    assert ended_in(page, GUNICORN, ["2@1"]) == ["exited"]
    assert page["left"] == []


def test_one_that_says_goodbye_and_still_lives_is_kept_in_mind(page):
    page["left"] = ["1@1"]
    assert ended_in(page, GUNICORN, ["1@1", "2@1"]) == []
    assert ended_in(page, GUNICORN, ["2@1"]) == ["exited"]


def test_a_process_with_the_number_of_one_that_is_gone_is_another(page):
    assert ended_in(page, GUNICORN, ["1@7", "2@1"]) == ["killed"]


def test_where_no_worker_can_say_goodbye_nobody_can_tell(page):
    assert ended_in(page, UVICORN, ["2@1"]) == ["unknown"]


def test_a_server_that_has_the_number_of_another_begins_anew(page):
    page["servers"][str(ME)]["began"] = "of another"
    assert ended_in(page, GUNICORN, ["5@1"]) == []
    assert ended_in(page, GUNICORN, []) == ["killed"]


def test_a_server_that_is_gone_is_forgotten(page):
    page["servers"]["4194305"] = {"began": "", "workers": ["9@1"]}
    ended_in(page, GUNICORN, ["1@1", "2@1"])
    assert list(page["servers"]) == [str(ME)]


@pytest.fixture
def workers(tmp_path):
    return Workers(Ledger("host", tmp_path))


def test_a_worker_of_a_known_server_says_goodbye(workers):
    with workers.ledger.page() as page:
        page["servers"] = {str(os.getppid()): {}}
        page["left"] = ["1@1"] * MAX_LEFT
    workers.leave()
    with workers.ledger.page() as page:
        assert (page["left"][-1], len(page["left"])) == (name_of(ME), MAX_LEFT)


def test_any_other_process_says_nothing(workers):
    workers.leave()
    assert not workers.ledger.path.exists()
    with workers.ledger.page() as page:
        page["servers"] = {}
    workers.leave()
    with workers.ledger.page() as page:
        assert page == {"servers": {}}


def test_children_that_work_are_found_and_none_that_multiprocessing_keeps():
    sleep = [sys.executable, "-c", "input()"]
    keeper = [*sleep, "multiprocessing.resource_tracker"]
    with (
        subprocess.Popen(sleep, stdin=subprocess.PIPE) as worker,
        subprocess.Popen(keeper, stdin=subprocess.PIPE) as other,
    ):
        assert {worker.pid, other.pid} <= set(children_of(ME))
        found = workers_of(dataclasses.replace(GUNICORN, pid=os.getppid()))
        assert name_of(ME) in found
        assert name_if_worker(worker.pid) == name_of(worker.pid) != ""
        assert name_if_worker(other.pid) == ""


def test_one_that_has_ended_and_was_not_asked_how_does_not_work():
    process = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: not name_if_worker(process.pid), 20, "its end")
    process.wait()


def test_a_process_that_is_gone_has_no_name():
    assert name_of(4194305) == ""
