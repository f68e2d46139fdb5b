"""`manage.py serve` refuses what cannot work, before it changes anything."""

from __future__ import annotations

import functools
import socket

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django_tasks_db.models import DBTaskResult

from trainerhub.demo.management.commands import repeat, serve
from trainerhub.demo.supervisor import Supervisor


def test_a_busy_port_is_said_with_the_way_out(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        with pytest.raises(CommandError, match=f"PORT={port + 1} make run"):
            call_command("serve")


def test_a_host_that_is_not_this_machine_s_is_said(monkeypatch):
    monkeypatch.setenv("HOST", "192.0.2.1")
    with pytest.raises(CommandError, match=r"cannot listen on 192\.0\.2\.1"):
        call_command("serve")


@pytest.mark.parametrize("text", ["0", "65536", "-1", "eighty", "80.5", "٨"])
def test_a_wrong_port_is_refused(monkeypatch, text):
    monkeypatch.setenv("PORT", text)
    with pytest.raises(CommandError, match="PORT is"):
        serve.address()


@pytest.mark.parametrize("text", ["1", "65535"])
def test_every_port_is_taken(monkeypatch, text):
    monkeypatch.setenv("PORT", text)
    assert serve.address()[1] == int(text)


def test_unset_and_empty_mean_the_defaults(monkeypatch):
    monkeypatch.delenv("HOST", raising=False)
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("WEB_CONCURRENCY", "")
    assert serve.address() == ("127.0.0.1", 8000, 2)


@pytest.mark.parametrize(
    ("host", "shown"),
    [("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]")],  # noqa: S104 (only named)
)
def test_the_printed_address_can_be_opened(host, shown):
    assert serve.visible(host) == shown


def test_repeat_refuses_a_command_that_is_not_there():
    with pytest.raises(CommandError, match="no command named 'nothing'"):
        call_command("repeat", "nothing")


@pytest.mark.django_db
def test_repeat_survives_a_failing_command(monkeypatch, caplog):
    def fail(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(repeat, "call_command", fail)
    monkeypatch.setattr(repeat, "close_old_connections", lambda: None)
    repeat.run("send_reminders")
    assert "send_reminders failed" in caplog.text


@pytest.fixture
def waiting(db, monkeypatch):
    """A task that the worker has not begun, and a clock that nobody waits for."""
    monkeypatch.setattr("django.db.connections.close_all", lambda: None)
    return DBTaskResult.objects.create(
        args_kwargs={"args": [], "kwargs": {}},
        task_path="trainerhub.notifications.tasks.deliver",
        backend_name="default",
        queue_name="default",
        status="READY",
        exception_class_path="",
        traceback="",
    )


def looks(monkeypatch, at_look, do):
    """Do something at the n-th look; gives the seconds that passed at each."""
    clock = [0.0]

    def sleep(seconds):
        clock.append(clock[-1] + seconds)
        if len(clock) == at_look:
            do()

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("time.monotonic", lambda: clock[-1])
    return clock


def test_addresses_are_said_when_the_first_tasks_are_done(waiting, monkeypatch):
    done = functools.partial(DBTaskResult.objects.update, status="SUCCESSFUL")
    clock = looks(monkeypatch, 5, done)
    serve.await_calm(Supervisor([], print, {}))
    assert len(clock) == 5


def test_addresses_are_said_though_tasks_have_no_end(waiting, monkeypatch):
    clock = looks(monkeypatch, 0, print)
    serve.await_calm(Supervisor([], print, {}))
    assert clock[-1] == pytest.approx(serve.CALM_SECONDS, abs=0.3)


def test_who_stops_meanwhile_waits_for_no_task(waiting, monkeypatch):
    supervisor = Supervisor([], print, {})
    clock = looks(monkeypatch, 3, lambda: supervisor.ask_to_stop(2, None))
    serve.await_calm(supervisor)
    assert len(clock) == 3
