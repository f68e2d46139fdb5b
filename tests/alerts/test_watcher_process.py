"""Real watchers, really killed, stopped and continued: each message once, twice at most."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
import uuid

import pytest

from spotter.stores.contract import StoreError
from tests.alerts.watching import start
from tests.channels.receiver import receiving
from tests.servers.processes import tail, wait_until
from tests.servers.proxy import fault_proxy

pytestmark = [pytest.mark.long, pytest.mark.acceptance, pytest.mark.timeout(200)]


class Stage:
    """A value that a rule looks at, a receiver, and watchers on one store."""

    def __init__(self, folder, receiver, store: str) -> None:
        self.folder = folder
        self.receiver = receiver
        self.store = store
        self.processes: list[subprocess.Popen[bytes]] = []
        self.say(0)

    def say(self, value: int) -> None:
        new = self.folder / "new"
        new.write_text(str(value))
        new.replace(self.folder / "value")

    def start(self) -> subprocess.Popen[bytes]:
        self.processes.append(start(self.store, self.folder, self.receiver.url))
        return self.processes[-1]

    def count(self, kind: str) -> int:
        return sum(body["kind"] == kind for body in self.receiver.bodies)

    def is_marked(self) -> bool:
        from spotter.alerts.book import Book
        from spotter.alerts.records import PENDING
        from spotter.stores import open_store

        store = open_store(self.store)
        with Book(store).reading() as page:  # type: ignore[arg-type]
            found = [each.state for each in page.deliveries()]
        store.close()
        return bool(found) and PENDING not in found

    def keys(self) -> set[str]:
        return {body["dedup_key"] for body in self.receiver.bodies}

    def until(self, seconds: float, **counts: int) -> None:
        """Wait until so many messages of each kind have arrived."""
        try:
            wait_until(
                lambda: all(self.count(k) >= n for k, n in counts.items()),
                seconds, str(counts),
            )  # fmt: skip
        except AssertionError as error:
            log = tail(str(self.folder / "watcher.log"))
            raise AssertionError(
                f"{error}; got {self.receiver.bodies}; {log}"
            ) from None

    def until_watching(self, number: int) -> None:
        """Wait until so many have begun to watch."""
        log = self.folder / "watcher.log"
        wait_until(
            lambda: log.read_text(errors="replace").count("spotter: watching") >= number,
            60, "the start",
        )  # fmt: skip


@pytest.fixture
def stage(tmp_path):
    with receiving() as receiver, on(tmp_path, receiver) as made:
        yield made


@contextlib.contextmanager
def on(folder, receiver, store=""):
    made = Stage(folder, receiver, store or f"sqlite:///{folder / 'spotter.db'}")
    try:
        yield made
    finally:
        for process in made.processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            process.kill()
            process.wait()


def kill(process) -> None:
    process.kill()
    process.wait()


def test_a_watcher_that_is_killed_again_and_again_tells_of_beginning_and_end(stage):
    """Eighteen moments, from before its first cycle to the middle of a message."""
    chance = random.Random(7)  # noqa: S311 (no secret)
    stage.say(1)
    for number in range(18):
        if number == 12:
            stage.say(0)
        process = stage.start()
        if number % 3:
            stage.until_watching(number - number // 3)
        time.sleep(chance.uniform(0.2, 1.5))
        kill(process)
    stage.start()
    # A message that was claimed when it was killed is free again after a minute.
    stage.until(90, resolve=1)
    assert 1 <= stage.count("trigger") <= 2
    assert 1 <= stage.count("resolve") <= 2
    assert len(stage.keys()) == 1


@pytest.fixture(params=["sqlite", "postgresql"])
def three(request, tmp_path):
    """Three watchers on one store; with the proxy that can take it away."""
    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(receiving())
        proxy, url = None, ""
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres")
            name = f"watch_{uuid.uuid4().hex[:8]}"
            server.create_database(name)
            proxy = stack.enter_context(fault_proxy(server.port))
            url = server.url(name, proxy.port)
        made = stack.enter_context(on(tmp_path, receiver, url))
        made.proxy = proxy
        for _ in range(3):
            made.start()
        made.until_watching(3)
        yield made


def leader(stage):
    """The one that the store says leads."""
    from spotter.alerts.book import Book
    from spotter.stores import open_store

    found = []

    def is_known() -> bool:
        store = open_store(stage.store)
        try:
            with Book(store).reading() as page:  # type: ignore[arg-type]
                held = page.leader()
        except StoreError:
            return False  # others write; on a busy machine for seconds
        finally:
            store.close()
        alive = {str(p.pid): p for p in stage.processes if p.poll() is None}
        if held is not None and (found_ := alive.get(held[0].rsplit("-", 2)[1])):
            found.append(found_)
        return bool(found)

    wait_until(is_known, 30, "a leader")
    return found[-1]


def test_of_three_one_speaks_and_after_its_death_another(three):
    first = leader(three)
    three.say(1)
    three.until(20, trigger=1)
    # What it had not marked as sent would be said again, and the end after that.
    wait_until(three.is_marked, 20, "the message marked")
    kill(first)
    three.say(0)
    three.until(60, resolve=1)
    assert (three.count("trigger"), three.count("resolve")) == (1, 1)
    assert leader(three) is not first


def test_a_leader_that_is_stopped_and_goes_on_does_no_harm(three):
    first = leader(three)
    three.say(1)
    three.until(20, trigger=1)
    # One that stops before it wrote down what it sent leaves the end "late".
    wait_until(three.is_marked, 20, "the message marked")
    first.send_signal(signal.SIGSTOP)
    three.say(0)
    three.until(60, resolve=1)
    first.send_signal(signal.SIGCONT)
    three.say(1)
    three.until(60, trigger=2)
    three.say(0)
    three.until(60, resolve=2)
    wait_until(lambda: open_incidents(three) == 0, 60, "every incident's end")
    wait_until(three.is_marked, 20, "every message marked")
    kinds = [body["kind"] for body in three.receiver.bodies]
    # A file that one stopped in the middle of writing is nobody's until it goes on:
    # then the two others can't tell who leads, and both speak.
    most = 4 if three.proxy is None else 2
    assert 2 <= kinds.count("trigger") <= most
    assert 2 <= kinds.count("resolve") <= most
    assert kinds[-1] == "resolve"
    assert len(three.keys()) == 1


@pytest.mark.parametrize("three", ["postgresql"], indirect=True)
@pytest.mark.parametrize("fault", ["down", "hang"])
def test_without_the_store_all_speak_with_one_key_and_with_it_one_leads(three, fault):
    leader(three)
    three.proxy.misbehave(fault)
    three.say(1)
    three.until(90, trigger=3)
    assert len(three.keys()) == 1
    three.proxy.misbehave(None)
    leader(three)
    three.say(0)
    three.until(90, resolve=1)
    assert len(three.keys()) == 1
    wait_until(lambda: open_incidents(three) == 0, 60, "every incident's end")


def open_incidents(stage) -> int:
    from spotter.alerts.book import Book
    from spotter.alerts.records import ACKNOWLEDGED, OPEN
    from spotter.stores import open_store

    store = open_store(stage.store)
    with Book(store).reading() as page:  # type: ignore[arg-type]
        number = len(page.incidents((OPEN, ACKNOWLEDGED)))
    store.close()
    return number


@pytest.mark.parametrize("what", ["probe", "channel"])
def test_what_hangs_holds_up_neither_the_others_nor_the_end(stage, what):
    (stage.folder / "hang").write_text(what)
    process = stage.start()
    stage.until_watching(1)
    if "probe" in what:
        # A probe that never ends has failed, and twenty of them take no thread away.
        stage.until(60, trigger=1)
        assert "hung-" in stage.receiver.bodies[0]["title"]
    stage.say(1)
    wait_until(
        lambda: any("it is broken" in b["text"] for b in stage.receiver.bodies),
        60, "the other rule",
    )  # fmt: skip
    process.terminate()
    assert process.wait(25) == 0
