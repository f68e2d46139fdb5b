"""Two probes before shouting, from every watcher; who reaches nothing says nothing."""

from __future__ import annotations

import dataclasses
import socket
import time

import pytest
import time_machine

from spotter.alerts.clock import Clock
from spotter.alerts.outages import outages
from spotter.alerts.probing import Prober, agreed, lasting_seconds
from spotter.alerts.shipped import dependencies
from spotter.alerts.watcher import Watcher
from spotter.entries import Batch, Series
from spotter.probes import Monitor
from spotter.recording import buffer
from spotter.stores.sqlite import MEMORY, SqliteStore
from tests.alerts.kit import Recorded

#: From which hosts the service can't be reached; what its answer quotes.
DOWN: set[str] = set()
EVERYWHERE = "everywhere"
RULE = next(rule for rule in dependencies.rules() if rule.name == "HealthCheckFailing")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Service(Monitor):
    """Up or down as DOWN says, seen from one host."""

    seen_from: str = EVERYWHERE

    @property
    def host(self) -> str:
        return "elsewhere.example"

    def check(self) -> float | None:
        if DOWN & {self.seen_from, EVERYWHERE}:
            raise OSError("down")
        return None


class Hosts:
    """Watchers on several hosts with one store, under one clock."""

    def __init__(self, folder, settings, traveller) -> None:
        settings.SPOTTER = {
            "STORE": f"sqlite:///{folder / 'spotter.db'}", "FLUSH_SECONDS": 3600.0,
        }  # fmt: skip
        self.traveller = traveller
        self.steady = 0.0
        self.chat = Recorded()
        self.watchers = {name: self.watcher(name) for name in ("berlin", "tokyo")}

    def watcher(self, host: str) -> Watcher:
        made = Watcher(
            rules=[RULE], channels=[self.chat],
            monitors=[Service(name="api", seen_from=host)],
            clock=Clock(time.time, lambda: self.steady),
        )  # fmt: skip
        made.prober = Prober(host)
        return made

    def tick(self, *hosts: str) -> None:
        """Ten seconds later each probes and evaluates once."""
        self.traveller.shift(10)
        self.steady += 10
        for name in hosts or self.watchers:
            watcher = self.watchers[name]
            watcher.cycle()
            if watcher.is_leading:
                watcher.outbox.deliver(watcher.current(), time.time())

    @property
    def outages(self):
        with self.watchers["berlin"].book.reading() as page:
            return outages(page, 0.0)


@pytest.fixture
def hosts(tmp_path, settings, monkeypatch):
    monkeypatch.setattr("spotter.alerts.watcher.check_health", lambda: None)
    monkeypatch.setattr("spotter.alerts.watcher.read_queues", lambda: None)
    buffer._flusher.stop()
    DOWN.clear()
    with time_machine.travel(time.time(), tick=False) as traveller:
        made = Hosts(tmp_path, settings, traveller)
        made.tick()
        yield made
        for each in made.watchers.values():
            each._leave()
    DOWN.clear()


def test_one_failed_probe_is_nobodys_news(hosts):
    DOWN.add(EVERYWHERE)
    hosts.tick()
    DOWN.clear()
    hosts.tick()
    hosts.tick()
    assert hosts.chat.kinds_sent == []
    assert hosts.outages == []


def test_the_second_failure_in_a_row_is_told_and_so_is_the_end(hosts):
    DOWN.add(EVERYWHERE)
    begun = time.time() + 10
    hosts.tick()
    assert hosts.chat.kinds_sent == []
    hosts.tick()
    # The last of two hosts has failed for the second time: its cycle was after.
    hosts.tick("berlin")
    assert hosts.chat.kinds_sent == ["trigger"]
    (outage,) = hosts.outages
    assert (outage.monitor, outage.began_at, outage.ended_at) == ("api", begun, None)
    assert outage.reason.startswith("no answer")
    DOWN.clear()
    hosts.tick()
    assert hosts.chat.kinds_sent == ["trigger", "resolve"]
    (outage,) = hosts.outages
    assert outage.ended_at == time.time()


def test_what_fails_from_one_host_alone_is_not_down(hosts):
    DOWN.add("berlin")
    for _ in range(6):
        hosts.tick()
    assert hosts.chat.kinds_sent == []
    assert hosts.outages == []
    DOWN.add("tokyo")
    for _ in range(3):
        hosts.tick()
    assert hosts.chat.kinds_sent == ["trigger"]


def test_a_watcher_that_has_died_does_not_say_up_for_ever(hosts):
    DOWN.add("berlin")
    for _ in range(3):  # 30 s: what tokyo said last is good for 45
        hosts.tick("berlin")
    assert hosts.chat.kinds_sent == []
    for _ in range(3):
        hosts.tick("berlin")
    assert hosts.chat.kinds_sent == ["trigger"]


def test_a_watcher_that_reaches_nothing_does_not_say_down(hosts, settings):
    settings.SPOTTER = {**settings.SPOTTER, "CONNECTIVITY": "127.0.0.1:1"}
    DOWN.add(EVERYWHERE)
    for _ in range(9):
        hosts.tick()
    assert hosts.chat.kinds_sent == []
    assert agreed(hosts.watchers["berlin"].source, time.time()) == []


def test_a_watcher_that_starts_anew_does_not_end_an_outage(hosts):
    DOWN.add(EVERYWHERE)
    for _ in range(3):
        hosts.tick()
    assert hosts.chat.kinds_sent == ["trigger"]
    for name in ("berlin", "tokyo"):
        hosts.watchers[name]._leave()
        hosts.watchers[name] = hosts.watcher(name)
    for _ in range(3):
        hosts.tick()
    assert hosts.chat.kinds_sent == ["trigger"]
    assert [outage.ended_at for outage in hosts.outages] == [None]


def test_own_connectivity_is_asked_before_a_probe_is_believed(settings, monkeypatch):
    taken: list[str] = []
    for how in ("gauge", "observe"):
        monkeypatch.setattr(
            f"spotter.recording.{how}", lambda name, *given: taken.append(name)
        )
    DOWN.add(EVERYWHERE)
    settings.SPOTTER = {"CONNECTIVITY": "127.0.0.1:1"}
    Prober("me").probe(Service(name="it"))
    assert taken == []
    with socket.create_server(("127.0.0.1", 0)) as there:
        settings.SPOTTER = {"CONNECTIVITY": f"127.0.0.1:{there.getsockname()[1]}"}
        Prober("me").probe(Service(name="it"))
    assert taken[0] == "spotter.probe.success"
    DOWN.clear()


@pytest.mark.parametrize(("age", "known"), [(44.9, 1), (45.1, 0)])
def test_a_probe_is_good_for_three_intervals_and_a_little(settings, age, known):
    assert lasting_seconds() == 45
    now = float(int(time.time()) // 10 * 10 + 5)
    store, batch = SqliteStore(MEMORY, lambda: now), Batch()
    series = Series.of("spotter.probe.success", {"probe": "x", "watcher": "a"})
    batch.point(series, now - age).set(1, now - age)
    store.write(batch)
    assert len(agreed(store, now)) == known
    settings.SPOTTER = {"PROBE_SECONDS": 60.0}
    assert lasting_seconds() == 195


def test_what_an_answer_quotes_is_scrubbed(caplog):
    class Talkative(Monitor):
        def check(self):
            from spotter.probes.reasons import Unexpected

            raise Unexpected("owner is 'canary@example.com', not 'x'")

    prober = Prober("me")
    prober.probe(Talkative(name="it"))
    assert "canary" not in prober.failing["it"].reason
    assert "canary" not in caplog.text
