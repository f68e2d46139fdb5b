"""The pages Cache and Tasks show what is behind the caches, and tasks of both systems."""

from __future__ import annotations

import html
import re
import time

import pytest

from spotter.dashboard.format import NONE
from spotter.dashboard.period import period_of
from spotter.dashboard.reading import Reader
from spotter.entries import Batch, Series
from spotter.stores.current import get_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(filled, client):
    def show(page):
        answer = client.get(f"/spotter/{page}")
        assert answer.status_code == 200
        return html.unescape(answer.content.decode())

    return show


def table(page, title):
    """The cells of a table, row by row."""
    section = page.partition(f"<h2>{title}</h2>")[2].partition("</section>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", section.partition("<tbody>")[2], re.S)
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall("<td.*?</td>", row, re.S)]
        for row in rows
    ]  # fmt: skip


def test_what_is_behind_each_cache_is_shown(shown):
    rows = table(shown("cache/"), "Behind the caches")
    redis, memcached, memory = rows
    assert redis[:2] == ["default", "Redis"]
    assert redis[3].endswith("of 268 MB")
    assert redis[5] == "88 %"
    assert redis[6] == "evicts what expires (volatile-lru)"
    assert memcached[1] == "Memcached on web-1"
    assert memory[1] == "local memory of 4 processes on 2 hosts"
    assert memory[2].endswith("of 300")


def test_a_cache_says_what_its_policy_will_do_and_what_to_do_about_it(shown):
    page = shown("cache/")
    assert "refuses writes once nothing is left that expires" in page
    assert "CONFIG SET maxmemory-policy allkeys-lru" in page
    assert 'Raise OPTIONS["MAX_ENTRIES"]' in page


def test_the_hit_rate_of_a_whole_server_is_beside_the_projects_own(shown):
    page = shown("cache/")
    assert "default whole server" in page
    assert "sessions whole server web-1" in page


def test_tasks_of_both_systems_are_shown_the_failing_ones_first(shown):
    rows = table(shown("tasks/"), "Tasks")
    assert [(row[0].rpartition(".")[2], row[-1]) for row in rows] == [
        ("send", "Celery"),
        ("carry_out", "Django"),
        ("settle", "Celery"),
    ]


def test_a_task_to_which_nothing_happened_takes_no_line(shown):
    assert "1 more task is known" in shown("tasks/")


def test_queues_are_shown_with_their_depth_and_oldest(shown):
    rows = table(shown("tasks/"), "Queues")
    assert rows[0][:4] == ["celery (Celery)", "360", "360", "12 min"]
    assert {row[0] for row in rows[1:]} == {"default (Django)", "letters (Celery)"}


def test_a_queue_whose_oldest_is_unknown_says_so(store, client):
    batch, now = Batch(), time.time()
    of = {"task.system": "celery", "queue": "celery"}
    batch.point(Series.of("spotter.task.queue.depth", of), now).set(3, now)
    store.write(batch)
    page = client.get("/spotter/tasks/").content.decode()
    assert table(page, "Queues")[0][1:4] == ["3", "3", NONE]


def test_a_failed_attempt_leads_to_its_log_lines(shown):
    page = shown("tasks/")
    rows = table(page, "Failed and slow")
    assert [row[2] for row in rows] == ["failed", "retried", "failed"]
    assert "request_id=0f3a9c2e5b7d48160f3a9c2e5b7d4816" in page
    # Nobody knows how long it took, and no line of its own is known.
    assert rows[2][5:] == [NONE, "billiard.exceptions.WorkerLostError", NONE]


def test_tables_can_be_downloaded(filled, client):
    for page, block in (("cache", "servers"), ("tasks", "queues"), ("tasks", "tasks")):
        answer = client.get(f"/spotter/{page}/?format=csv&block={block}")
        assert answer["Content-Type"].startswith("text/csv")
        assert answer.content.count(b"\r\n") > 2


def test_a_statement_is_drawn_in_the_windows_that_are_kept_of_it(filled):
    period = period_of({"period": "15m"}, time.time())
    reader = Reader(filled, period, time.time())
    drawn = reader.as_kept("spotter.db.statement.duration")
    assert (reader.period.step, drawn.period.step) == (10, 60)
    assert drawn.as_kept("system.cpu.utilization").period.step == 60
    where = {"db.query.fingerprint": "a1b2c3d4e5f60718"}
    found = drawn.windows("spotter.db.statement.duration", (), where)[()]
    assert len(found) == len(drawn.period.windows)
    assert all(found[2:-2])


@pytest.mark.parametrize(
    ("limit", "is_slow"), [(0.05, True), (0.2, True), (0.3, False)]
)
def test_what_is_a_slow_query_is_the_settings_to_say(
    store, client, settings, limit, is_slow
):
    settings.SPOTTER = {**settings.SPOTTER, "SLOW_QUERY_SECONDS": limit}
    made, now = Batch(), time.time()
    labels = {"db.query.fingerprint": "c1b2c3d4e5f60718", "db.alias": "default"}
    series = Series.of("spotter.db.statement.duration", labels)
    made.point(series, now).observe(0.2)
    get_store().write(made)
    page = html.unescape(client.get("/spotter/queries/?tab=slow").content.decode())
    assert ("Statements (1)" in page) is is_slow
    assert ("No query took 300 ms or longer" in page) is not is_slow


def test_a_store_in_memory_is_told_from_a_file(client, settings):
    settings.SPOTTER = {
        "DASHBOARD_ACCESS": "tests.dashboard.conftest.everybody",
        "STORE": "memory://",
    }
    get_store().write(Batch())
    page = client.get("/spotter/self/").content.decode()
    get_store().close()
    assert "memory of this process alone" in page
    assert "SQLite" not in page
