"""Many drills at once: without a server, and when somebody stops them."""

from __future__ import annotations

import threading

import pytest

from spotter.alerts.book import Book
from spotter.alerts.shipped import shipped
from spotter.drills.drill import Stage
from spotter.drills.runner import Options, Runner
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore
from tests.alerts.kit import Recorded

NOWHERE = "http://127.0.0.1:1/"


@pytest.mark.parametrize(("more", "code"), [([], 0), (["--require-real"], 1)])
def test_without_a_server_it_simulates_and_says_so(configured, command, more, code):
    configured(Recorded())
    found, text = command("HighErrorRate", "--url", NOWHERE, *more)
    assert found == code
    assert "simulated: http://127.0.0.1:1/ does not answer" in text
    assert "start the server, or name it with --url" in text
    assert "only simulated, for no server: HighErrorRate" in text


def test_who_names_no_server_is_told_how(configured, command):
    _, text = command("HighErrorRate")
    assert "no server is known: name it with --url, or set PUBLIC_URL" in text


def test_a_drill_that_is_stopped_resolves_what_it_opened(configured, hurried):
    chat = Recorded()
    configured(chat)
    store = get_store()
    assert isinstance(store, SqlStore)
    firing = threading.Event()
    said: list[Stage] = []

    def tell(rule: str, stage: Stage) -> None:
        said.append(stage)
        if stage.name == "trigger":
            firing.set()
        if stage.name.startswith("trigger"):
            runner.stop()

    # Windows of minutes: it would not resolve by itself for a while.
    runner = Runner(store, Options(deliver=True), tell)
    rules = [r for r in shipped(lambda: Book(store)) if r.name == "LogLinesDropped"]
    (result,) = runner.run(rules)
    assert chat.kinds_sent == ["trigger", "resolve"]
    assert not result.is_whole
    assert [s.name for s in said if not s.ok] == ["stopped"]
