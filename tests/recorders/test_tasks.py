"""Tasks and commands are counted, with what they ask of the database."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django_tasks import task

from spotter.context import current
from spotter.recorders import task_events
from tests.kept import recorded

pytestmark = pytest.mark.django_db
BACKEND = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}


@task()
def work():
    User.objects.count()


@task()
def break_down():
    raise LookupError("no such trainer")


@pytest.fixture
def queue(kept, settings, monkeypatch):
    settings.TASKS = BACKEND
    monkeypatch.setattr(task_events, "_known", {})


def events(name):
    found = recorded("spotter.task.events", "task.name", "event")
    return {
        event: p.sum
        for (task_name, event), p in found.items()
        if task_name.endswith(name) and p.sum
    }


def test_a_task_is_counted_from_the_queue_to_its_end(queue):
    work.enqueue()
    assert events("work") == {"queued": 1, "started": 1, "succeeded": 1}
    assert recorded("spotter.task.duration", "outcome")["succeeded"].count == 1
    assert recorded("spotter.task.wait")[()].count == 1


def test_a_tasks_counters_are_there_before_it_can_fail(queue):
    work.enqueue()
    found = recorded("spotter.task.events", "event")
    zeros = {event for event, point in found.items() if not point.sum}
    assert zeros == {"failed", "retried"}


def test_counters_are_told_of_again_before_they_are_forgotten(queue, kept):
    work.enqueue()
    before = recorded("spotter.task.events", "event")["failed"].count
    task_events.remind()
    after = recorded("spotter.task.events", "event")["failed"]
    assert (after.count, after.sum) == (before + 1, 0)


def test_a_flood_of_names_is_bounded(queue, monkeypatch):
    monkeypatch.setattr(task_events, "MAX_NAMES", 2)
    for name in ("a", "b", "c"):
        task_events.count("django", name, "queued")
    names = recorded("spotter.task.events", "task.name", event="failed")
    assert set(names) == {"a", "b"}


def test_a_failed_task_is_counted_and_kept_as_an_example(queue, kept):
    break_down.enqueue()
    assert events("break_down") == {"queued": 1, "started": 1, "failed": 1}
    (sample,) = kept.samples("task")
    assert (sample.body["outcome"], sample.body["exception"]) == (
        "failed",
        "LookupError",
    )
    assert "no such trainer" not in str(sample.body)


def test_a_tasks_queries_are_its_own(queue):
    work.enqueue()
    routes = recorded("spotter.db.statement.callers", "http.route")
    assert list(routes) == [f"task {work.module_path}"]
    assert current() is None


class Report(BaseCommand):
    """Asks the database, and fails when told to."""

    def add_arguments(self, parser):
        parser.add_argument("--fail", action="store_true")

    def handle(self, *args, **options):
        User.objects.count()
        if options["fail"]:
            raise CommandError("no such month")


def test_a_command_is_timed_with_its_queries(kept):
    call_command(Report())
    found = recorded("spotter.command.duration", "command.name", "outcome")
    assert found["test_tasks", "succeeded"].count == 1
    assert list(recorded("spotter.db.statement.callers", "http.route")) == [
        "command test_tasks"
    ]


def test_a_command_that_fails_fails_as_before_and_is_counted(kept):
    with pytest.raises(CommandError, match="no such month"):
        call_command(Report(), "--fail")
    assert recorded("spotter.command.duration", "outcome")["failed"].count == 1
    assert current() is None


def refuse(*args, **kwargs):
    raise RuntimeError("ours")


def test_a_command_runs_though_it_cannot_be_timed(kept, caplog, monkeypatch):
    monkeypatch.setattr("spotter.recorders.commands.Piece", refuse)
    call_command(Report())
    with pytest.raises(CommandError, match="no such month"):
        call_command(Report(), "--fail")
    assert "spotter could not time a command" in caplog.text


def test_a_command_ends_as_it_does_though_it_cannot_be_counted(
    kept, caplog, monkeypatch
):
    monkeypatch.setattr("spotter.recorders.pieces.recording.put", refuse)
    call_command(Report())
    with pytest.raises(CommandError, match="no such month"):
        call_command(Report(), "--fail")
    assert "spotter could not count a command" in caplog.text
    assert current() is None


def test_a_command_within_a_request_is_the_requests(kept, request_context):
    call_command(Report())
    assert recorded("spotter.command.duration") == {}
    assert request_context.db_queries == 1


def test_a_command_that_says_nothing_of_the_project_is_not_timed(kept):
    call_command("check")
    assert recorded("spotter.command.duration") == {}
