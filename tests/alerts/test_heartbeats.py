"""Jobs that report by themselves: functions, commands, tasks; and who knows of them."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import sys
import time

import pytest
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from spotter.alerts import jobs
from spotter.alerts.book import Book
from spotter.alerts.heartbeats import (
    MAX_OUTPUT,
    Heartbeat,
    heartbeat,
    report,
    reporting,
    tail,
)
from spotter.alerts.job_checks import check_heartbeats
from spotter.alerts.machine import Truth
from spotter.alerts.shipped.jobs import problems
from spotter.alerts.shipped.jobs import rules as job_rules
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore


def troubles(book, now, *, is_backup=False):
    """What the rules say of each job that is in the store."""
    found = problems(lambda: book, [], is_backup, now)
    return {each.labels["job"]: each.note for each in found}


@pytest.fixture
def book(tmp_path, settings, monkeypatch):
    monkeypatch.setattr(jobs, "declared", {})
    settings.SPOTTER = {
        "STORE": f"sqlite:///{tmp_path / 'spotter.db'}", "FLUSH_SECONDS": 3600.0,
    }  # fmt: skip
    store = get_store()
    assert isinstance(store, SqlStore)
    yield Book(store)
    store.close()


def pings(book, name="nightly"):
    with book.reading() as page:
        return page.pings(name)


def kinds(book, name="nightly"):
    return [ping.kind for ping in reversed(pings(book, name))]


def known(book):
    with book.reading() as page:
        return {each.heartbeat.name: each for each in jobs.known(page)}


def test_a_function_reports_start_success_and_how_long_it_took(book):
    @heartbeat("nightly", every="1d", max_duration="2h")
    def work(number):
        """Divide."""
        return 10 / number

    assert work(5) == 2
    assert kinds(book) == ["start", "success"]
    assert pings(book)[0].body["seconds"] >= 0
    assert work.__doc__ == "Divide."
    job = known(book)["nightly"].heartbeat
    assert (job.every_seconds, job.max_seconds, job.is_backup) == (86400, 7200, False)


def test_a_failure_is_reported_and_raised(book):
    @heartbeat("nightly", every=60)
    def work():
        raise LookupError("no trainer canary@example.com, password=c4nary")

    with pytest.raises(LookupError):
        work()
    assert kinds(book) == ["start", "failure"]
    said = pings(book)[0].body["output"]
    assert said.startswith("LookupError: no trainer")
    assert "canary" not in said
    assert "c4nary" not in said


@pytest.mark.parametrize(
    ("given", "kind", "code"),
    [
        (0, "success", 0),
        (None, "success", 0),
        (3, "failure", 3),
        ("gone", "failure", 1),
    ],
)
def test_an_exit_code_decides(book, given, kind, code):
    with pytest.raises(SystemExit), reporting("nightly"):
        sys.exit(given)
    last = pings(book)[0]
    assert (last.kind, last.body["exit_code"]) == (kind, code)


def test_a_coroutine_function_reports(book):
    @heartbeat("nightly", every=60)
    async def work(fails):
        await asyncio.sleep(0)
        if fails:
            raise ValueError("x")
        return 7

    assert asyncio.run(work(fails=False)) == 7
    with pytest.raises(ValueError, match="x"):
        asyncio.run(work(fails=True))
    assert kinds(book) == ["start", "success", "start", "failure"]


@heartbeat("nightly", every="1d")
class Command(BaseCommand):
    """A management command that prints."""

    def add_arguments(self, parser):
        parser.add_argument("--fail", action="store_true")

    def handle(self, *, fail, **options):
        self.stdout.write("mailed ann@example.com")
        self.stderr.write("3 left")
        if fail:
            raise CommandError("the disk is full")


def test_a_command_class_reports_with_the_end_of_what_it_printed(book):
    out = io.StringIO()
    call_command(Command(), stdout=out, stderr=io.StringIO())
    assert "ann@example.com" in out.getvalue()
    said = pings(book)[0].body["output"]
    assert "3 left" in said
    assert "ann@example.com" not in said
    with pytest.raises(CommandError):
        call_command(Command(), "--fail", stdout=out, stderr=io.StringIO())
    assert kinds(book) == ["start", "success", "start", "failure"]
    assert pings(book)[0].body["output"].endswith("CommandError: the disk is full")


def test_a_class_that_is_no_command_is_refused():
    with pytest.raises(TypeError, match="no Command"):

        @heartbeat("x")
        class Job:
            pass


def celery():
    """An application of the test's own; a shared task would be every other's too."""
    from celery import Celery

    broker, backend = "memory://", "cache+memory://"
    return Celery("test", broker=broker, backend=backend, set_as_current=False)


@pytest.mark.parametrize("outermost", ["task", "heartbeat"])
def test_a_task_of_celery_reports(book, outermost):
    app = celery()
    app.conf.task_always_eager = True

    def work(number):
        return 10 / number

    if outermost == "task":
        task = app.task(name="work", shared=False)(heartbeat("nightly", every=60)(work))
    else:
        task = heartbeat("nightly", every=60)(app.task(name="work", shared=False)(work))
    assert task.delay(5).get() == 2
    assert task.apply_async((0,)).failed()
    assert kinds(book) == ["start", "success", "start", "failure"]


def test_a_task_of_celery_that_will_be_tried_again_has_not_failed(book):
    app = celery()
    tries = []

    @app.task(bind=True, name="work", shared=False, max_retries=2)
    @heartbeat("nightly", every=60)
    def work(self):
        tries.append(1)
        if len(tries) < 2:
            raise self.retry(countdown=0)

    work.apply()
    assert kinds(book) == ["start", "start", "success"]


def twice(number):
    """What a task of Django's does; a function of a module, as they must be."""
    return 2 * number


@pytest.mark.parametrize("outermost", ["task", "heartbeat"])
def test_a_task_of_django_reports(book, outermost, monkeypatch):
    from django_tasks import task

    if outermost == "task":
        made = task()(heartbeat("nightly", every=60)(twice))
    else:
        made = heartbeat("nightly", every=60)(task()(twice))
    assert made.call(4) == 8
    assert made.module_path == f"{__name__}.twice"
    assert kinds(book) == ["start", "success"]


def test_a_store_that_is_gone_does_not_stop_the_job(book, settings, tmp_path):
    settings.SPOTTER = {"STORE": f"sqlite:///{tmp_path}"}  # a folder is no store

    @heartbeat("nightly", every=60)
    def work():
        return 7

    assert work() == 7
    assert report("nightly", "success") is False
    settings.SPOTTER = {"STORE": "nonsense://"}
    assert work() == 7


def test_output_is_scrubbed_before_it_is_cut():
    secret = "hunter2-" + "x" * (MAX_OUTPUT - 8)
    assert "hunter2" not in tail(f"password={secret}")
    assert len(tail("word " * 10_000)) == MAX_OUTPUT


APP = """
from spotter.alerts.heartbeats import heartbeat

@heartbeat("{name}", every="1h", is_backup={is_backup})
def work():
    pass
"""


@pytest.fixture
def an_app(tmp_path, monkeypatch, settings):
    """An app with jobs that no other module imports."""
    folder = tmp_path / "shop_with_jobs"
    commands = folder / "management" / "commands"
    commands.mkdir(parents=True)
    for each in (folder, folder / "management", commands):
        (each / "__init__.py").touch()
    (folder / "tasks.py").write_text(APP.format(name="from-tasks", is_backup=False))
    (commands / "nightly.py").write_text(
        APP.format(name="from-command", is_backup=True)
    )
    (commands / "plain.py").write_text("raise RuntimeError('imported for nothing')")
    (commands / "broken.py").write_text("# heartbeat\nraise RuntimeError('broken')")
    monkeypatch.syspath_prepend(tmp_path)
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "shop_with_jobs"]
    yield
    for name in [name for name in sys.modules if name.startswith("shop_with_jobs")]:
        del sys.modules[name]


def test_the_watcher_finds_jobs_that_only_other_processes_import(book, an_app, caplog):
    jobs.discover()
    jobs.enroll_all(book)
    assert {"from-tasks", "from-command"} <= set(known(book))
    assert "spotter could not look for heartbeats in shop_with_jobs" in caplog.text
    assert "shop_with_jobs.management.commands.plain" not in sys.modules


def test_a_job_that_one_process_ran_is_known_to_a_process_that_never_saw_it(book):
    heartbeat("elsewhere", every="1h")(print)("")
    jobs.declared.clear()
    now = time.time()
    assert troubles(book, now) == {"elsewhere": ""}
    late = troubles(book, now + 4300)
    assert late["elsewhere"].startswith("elsewhere succeeded last 1.2 h ago")
    assert troubles(book, now + 4300, is_backup=True) == {}


def test_since_when_a_job_is_known_stays_when_it_changes(book):
    job = Heartbeat(name="nightly", every_seconds=3600, grace_seconds=0)
    with book.writing() as page:
        jobs.enroll(page, [job], 1000.0)
        jobs.enroll(page, [dataclasses.replace(job, every_seconds=60)], 2000.0)
    found = known(book)["nightly"]
    assert (found.registered_at, found.heartbeat.every_seconds) == (1000.0, 60)
    assert troubles(book, 1060.0) == {"nightly": ""}
    assert troubles(book, 1061.0)["nightly"]


def test_of_a_jobs_pings_the_latest_are_kept(book, monkeypatch):
    monkeypatch.setattr(jobs, "KEPT", 2)
    for name in ("a", "b"):
        for kind in ("failure", "start", "success"):
            report(name, kind)
    with book.writing() as page:
        jobs.trim(page)
    assert kinds(book, "a") == kinds(book, "b") == ["start", "success"]


def test_the_settings_have_the_last_word(book, settings):
    heartbeat("nightly", every="1h")(print)("")
    mine = Heartbeat(name="nightly", every_seconds=60)
    settings.SPOTTER = {**settings.SPOTTER, "HEARTBEATS": [mine]}
    jobs.enroll_all(book)
    assert known(book)["nightly"].heartbeat.every_seconds == 60


def test_a_backup_that_failed_is_told_with_its_reason(book):
    backup = Heartbeat(name="backup", every_seconds=86400, is_backup=True)
    rules = {rule.name: rule for rule in job_rules(lambda: book, [backup])}
    rule, other = rules["BackupMissing"], rules["HeartbeatMissing"]
    now = time.time()
    (reading,) = rule.expression.read(book.store, now)
    assert rule.judge(reading, is_firing=False) is Truth.FALSE
    report("backup", "failure", output="restored, the table clients has 1 row; the database has 2 rows")  # fmt: skip
    (reading,) = rule.expression.read(book.store, now)
    assert rule.judge(reading, is_firing=False) is Truth.TRUE
    assert rule.says(reading) == "backup failed: restored, the table clients has 1 row; the database has 2 rows"  # fmt: skip
    assert other.expression.read(book.store, now) == []


def test_jobs_are_listed_and_forgotten_by_the_command(book):
    heartbeat("nightly", every="1h")(print)("")
    jobs.declared.clear()
    out = io.StringIO()
    call_command("spotter", "heartbeats", stdout=out)
    assert out.getvalue() == "nightly: well\n"
    report("nightly", "failure", output="boom")
    with pytest.raises(SystemExit):
        call_command("spotter", "heartbeats", stdout=out)
    assert "nightly failed: boom" in out.getvalue()
    call_command("spotter", "heartbeats", "--forget", "nightly", stdout=out)
    assert known(book) == {}
    with pytest.raises(CommandError, match="no job named"):
        call_command("spotter", "heartbeats", "--forget", "nightly", stdout=out)


@pytest.mark.parametrize(
    "changes",
    [
        {"every_seconds": 0}, {"every_seconds": float("inf")}, {"grace_seconds": -1},
        {"max_seconds": 0}, {"name": ""}, {"name": "a/b"},
    ],
)  # fmt: skip
def test_a_heartbeat_that_makes_no_sense_is_refused(settings, changes):
    job = Heartbeat(**{"name": "x", "every_seconds": 60.0, **changes})
    settings.SPOTTER = {"HEARTBEATS": [job]}
    assert [error.id for error in check_heartbeats()] == ["spotter.E073"]
    good = Heartbeat(name="x", every_seconds=0.1, grace_seconds=0, max_seconds=0.1)
    settings.SPOTTER = {"HEARTBEATS": [good]}
    assert check_heartbeats() == []
