"""What waits in a Redis broker is counted, and how long the first of it has."""

from __future__ import annotations

import datetime
import json
import time

import pytest
import time_machine
from celery import signals

from spotter.probes import celery_broker
from spotter.probes.celery_broker import PUBLISHED_AT, age_of, routed
from spotter.recorders import celery_tasks
from tests.celery_project.app import make_app
from tests.kept import kept_store, recorded

DEPTH, OLDEST = "spotter.task.queue.depth", "spotter.task.queue.oldest"


@pytest.fixture
def kept(settings, tmp_path):
    yield from kept_store(settings, tmp_path)


@pytest.fixture
def shop(redis, kept, monkeypatch):
    monkeypatch.setattr(celery_broker, "_quiet_until", {})
    celery_tasks.listen()
    app = make_app(redis.url())
    yield app
    app.close()


def last(name, queue="celery"):
    return recorded(name, "queue")[queue].last


def publish_before(shop, seconds, **options):
    """Publish what was published so many seconds ago."""
    with time_machine.travel(time.time() - seconds):
        shop.send_task("shop.work", **options)


def test_an_empty_queue_is_0_deep_and_nothing_in_it_is_old(shop):
    celery_broker.read()
    assert (last(DEPTH), last(OLDEST)) == (0, 0)
    assert set(recorded(DEPTH, "queue")) == {"celery", "letters"}


def test_what_waits_is_counted_by_queue_over_all_priorities(shop):
    for priority in (0, 3, 9):
        shop.send_task("shop.work", priority=priority)
    shop.send_task("letters.write")
    celery_broker.read()
    assert (last(DEPTH), last(DEPTH, "letters")) == (3, 1)


def test_the_first_of_a_queue_tells_how_long_it_has_waited(shop):
    publish_before(shop, 700)
    publish_before(shop, 20)
    publish_before(shop, 30, priority=9)
    celery_broker.read()
    assert last(OLDEST) == pytest.approx(700, abs=60)


def test_what_waits_in_a_prefix_of_the_broker_is_found(redis, kept):
    app = make_app(redis.url())
    app.conf.broker_transport_options = {"global_keyprefix": "shop:"}
    app.send_task("shop.work")
    celery_broker.read()
    assert last(DEPTH) == 1
    app.close()


def message(**headers):
    return json.dumps({"headers": headers, "body": "W1siY2FuYXJ5Il1d"}).encode()


def at(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


@pytest.mark.parametrize(
    ("found", "age"),
    [
        (message(**{PUBLISHED_AT: 900}), 100),
        (message(**{PUBLISHED_AT: 1001}), 0),
        (message(**{PUBLISHED_AT: 900, "eta": at(950).isoformat()}), 50),
        (message(**{PUBLISHED_AT: 900, "eta": "1970-01-01T00:15:50"}), 50),
        (message(**{PUBLISHED_AT: 900, "eta": at(800).isoformat()}), 100),
        (message(), None),
        (message(**{PUBLISHED_AT: "soon"}), None),
        (b"no message", None),
        (b"[]", None),
        (None, None),
    ],
)
def test_an_age_is_read_from_the_headers(found, age):
    assert age_of(found, 1000) == age


def test_who_does_not_say_when_it_was_published_is_counted_all_the_same(shop):
    # As of a sender without Spotter.
    signals.before_task_publish.disconnect(dispatch_uid="spotter before_task_publish")
    shop.send_task("shop.work")
    celery_tasks.listen()
    celery_broker.read()
    assert last(DEPTH) == 1
    assert "celery" not in recorded(OLDEST, "queue")


@pytest.mark.parametrize(
    ("routes", "queues"),
    [
        (None, []),
        ({"a.*": {"queue": "one"}, "b": "two"}, ["one", "two"]),
        ([("a.*", {"queue": "one"}), {"b": {"queue": "two"}}], ["one", "two"]),
        ({"a": {"routing_key": "x"}}, []),
        (lambda name, *rest: None, []),
    ],
)
def test_queues_that_are_routed_to_are_known(routes, queues):
    assert list(routed(routes)) == queues


@pytest.mark.parametrize("fault", ["down", "hang"])
def test_a_broker_that_does_not_answer_is_told_once(
    redis, kept, proxy_to, caplog, monkeypatch, fault
):
    monkeypatch.setattr(celery_broker, "_quiet_until", {})
    proxy = proxy_to(redis.port)
    app = make_app(f"redis://:canary@127.0.0.1:{proxy.port}/0")
    proxy.misbehave(fault)
    for _ in range(2):
        celery_broker.read()
    app.close()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "the broker of the Celery app 'celery_project' does not answer" in (
        caplog.text
    )
    assert "canary" not in caplog.text
    assert recorded(DEPTH) == {}


def test_another_kind_of_broker_is_left_alone(kept):
    app = make_app("memory://")
    celery_broker.read()
    assert recorded(DEPTH) == {}
    app.close()


def test_a_mistake_is_not_made_every_ten_seconds(redis, kept, monkeypatch):
    monkeypatch.setattr(celery_broker, "_not_before", {})
    app = make_app(redis.url())
    app.conf.task_queues = 7
    with pytest.raises(TypeError):
        celery_broker.read()
    celery_broker.read()
    app.close()
