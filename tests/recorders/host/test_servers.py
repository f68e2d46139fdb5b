"""How many workers a command line asks for, where nothing else says so."""

from __future__ import annotations

import importlib

import pytest
from django.utils.functional import SimpleLazyObject, empty

from spotter.recorders.host.servers import of_gunicorn, option_of


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (["granian", "--workers", "4", "app"], 4),
        (["granian", "--workers=3"], 3),
        (["granian", "--workers"], None),
        (["granian", "--workers", "many"], None),
        (["granian", "--workers-lifetime", "60"], None),
        ([], None),
    ],
)
def test_the_number_of_an_option_is_read(arguments, number):
    assert option_of(arguments, "--workers") == number


def test_who_looks_for_the_worker_leaves_a_lazy_user_alone():
    importlib.import_module("gunicorn.workers.base")
    user = SimpleLazyObject(lambda: "ann")
    # As in a frame of a method of the object's own, while it is being read.
    assert (lambda self: of_gunicorn())(user) is None
    assert user._wrapped is empty


@pytest.mark.parametrize("is_own", [False, True])
@pytest.mark.parametrize(
    ("module", "name", "threads"),
    [("gthread", "ThreadWorker", 4), ("sync", "SyncWorker", 1), ("base", "Worker", 0)],
)
def test_a_projects_own_worker_takes_as_many_requests_as_what_it_is_made_of(
    module, name, threads, is_own
):
    kind = getattr(importlib.import_module(f"gunicorn.workers.{module}"), name)
    if is_own:
        kind = type("Patient", (kind,), {"__module__": __name__})
    worker = kind.__new__(kind)
    worker.cfg = importlib.import_module("gunicorn.config").Config()
    worker.cfg.set("threads", 4)
    worker.cfg.set("workers", 3)
    worker.ppid = 17
    # As in the frame of the worker's own loop.
    server = (lambda self: of_gunicorn())(worker)
    assert server is not None
    assert (server.name, server.pid, server.configured) == ("gunicorn", 17, 3)
    assert (server.threads, server.says_goodbye) == (threads, threads > 0)
