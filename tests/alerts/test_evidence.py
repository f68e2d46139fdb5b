"""Evidence: what belongs to the rule, frozen when it fires, and never in the way."""

from __future__ import annotations

import datetime
import json
import threading
import time

import pytest

from spotter.alerts.evidence import Piece, gather, keep, kept, told
from spotter.alerts.evidence import gathering as gatherings
from spotter.alerts.evidence.lines import place_of
from spotter.alerts.evidence.piece import MAX_PIECES, MAX_TEXT
from spotter.alerts.expressions import Gauge
from spotter.alerts.records import Alert
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.alerts.sources import Source
from spotter.entries import Batch, Sample, Series
from spotter.stores.contract import StoreError
from spotter.stores.sqlite import MEMORY, SqliteStore
from tests.alerts import test_watcher
from tests.alerts.kit import World, rule
from tests.dashboard.filled import fill

scene = test_watcher.scene
RULES = {each.name: each for each in shipped(lambda: None)}  # type: ignore[arg-type,return-value]


@pytest.fixture(scope="module")
def store():
    made = SqliteStore(MEMORY)
    fill(made, now=time.time(), minutes=20)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path, settings):
    """A log directory that the settings name."""
    settings.LOGGING = {
        "handlers": {"errors": {"filename": str(tmp_path / "errors.log")}}
    }
    return tmp_path


def stamp(ago: float = 30.0) -> str:
    at = datetime.datetime.fromtimestamp(time.time() - ago, datetime.UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


def failure(id_: str, ago: float = 30.0, what: str = "first") -> str:
    return (
        f"{stamp(ago)} ERROR django.request: Internal Server Error: /api/x/ {what} "
        f"process=1 request_id={id_}\n"
        "    Traceback (most recent call last):\n"
        f'      File "{__file__}", line 12, in charge\n'
        "        pay()\n"
        f'      File "{json.__file__}", line 3, in decode\n'
        "        raise x\n"
        "    stripe.APIConnectionError: no answer\n"
    )


def evidence(source, name: str, **labels: str) -> list[Piece]:
    named = RULES.get(name) or rule(name)
    alert = Alert(key="k", rule=name, labels=labels)
    return gather(source, [(named, alert)], time.time())["k"]


def of_kind(pieces, kind):
    return [piece for piece in pieces if piece.kind == kind]


FAILED = "0f3a9c2e5b7d48160f3a9c2e5b7d4816"


def test_errors_come_with_routes_exceptions_requests_lines_and_the_release(
    store, folder
):
    (folder / "errors.log").write_text(
        failure(FAILED, 60) + failure("other", what="later")
    )
    found = evidence(store, "HighErrorRate")
    routes, errors = of_kind(found, "route"), of_kind(found, "error")
    assert routes[0].text.startswith("/api/payments/checkout/: ")
    assert (routes[0].page, dict(routes[0].asked)) == (
        "requests/route",
        {"route": "/api/payments/checkout/"},
    )
    assert "stripe.APIConnectionError in /api/payments/checkout/" in errors[0].text
    assert "test_evidence.py:12 charge" in errors[0].text
    (request,) = of_kind(found, "request")
    assert request.request_id == FAILED
    lines = of_kind(found, "line")
    # Those of a request that is kept come first, and lead to its lines.
    assert [line.asked["request_id"] for line in lines] == [FAILED, "other"]
    assert "stripe.APIConnectionError: no answer" in lines[0].text
    assert "process=1" not in lines[0].text
    assert of_kind(found, "statement") == []


def test_a_failed_request_is_found_among_hundreds_that_were_none():
    made, now, batch = SqliteStore(MEMORY), time.time(), Batch()
    weights = {"failed": 1000.5} | {f"sampled {n}": 0.5 for n in range(300)}
    for number, (why, weight) in enumerate(weights.items()):
        body = {"why": why.split()[0], "request_id": why, "status": 500}
        at = now - 250 + number / 2
        sample = Sample(
            kind="request", key=f"/{number}/", at=at, weight=weight, body=body
        )
        batch.samples.append(sample)
    made.write(batch)
    (request,) = of_kind(evidence(made, "HighErrorRate"), "request")
    assert request.request_id == "failed"
    made.close()


def test_slowness_comes_with_slow_routes_and_statements_that_take_the_time(
    store, folder
):
    found = evidence(store, "SlowResponses")
    assert of_kind(found, "route")[0].text.startswith("/api/bookings/summary/: ")
    statement = of_kind(found, "statement")[0]
    assert "SELECT SUM" in statement.text
    assert dict(statement.asked) == {"fingerprint": "c1b2c3d4e5f60718"}
    assert [p.name for p in of_kind(found, "request")] == ["Slow requests"]
    assert of_kind(found, "line") == []


def test_a_slower_statement_is_the_one_that_the_alert_is_about(store, folder):
    found = evidence(store, "SlowQueryRegression", fingerprint="a1b2c3d4e5f60718")
    (statement,) = of_kind(found, "statement")
    assert "bookings_booking" in statement.text


def test_a_full_disk_does_not_list_slow_routes(store, folder):
    labels = {"host.name": "web-1", "system.filesystem.mountpoint": "/"}
    found = evidence(store, "DiskSpaceLow", **labels)
    assert [(p.name, p.page) for p in found] == [("Disk", "hosts")]
    assert found[0].text == "/ on web-1: 48 % used of 80 GB"


def test_memory_is_about_its_host_and_the_processes_on_it(store, folder):
    found = evidence(store, "HighMemory", **{"host.name": "web-2"})
    names = {piece.name for piece in found}
    assert names == {"Host", "Processes"}
    assert all("web-2" in piece.text for piece in found)


def test_a_cache_that_is_down_comes_with_its_readings(store, folder):
    found = evidence(store, "CacheDown")
    assert [p.page for p in found if p.name == "Cache"] == ["cache"]
    assert "lookups hit" in next(p.text for p in found if p.name == "Cache")


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("system.memory.usage", "Host"),
        ("spotter.cache.evictions", "Cache"),
        ("http.server.active_requests", "Failing routes"),
        ("spotter.db.errors", "Statements"),
    ],
)
def test_a_rule_of_ones_own_gets_what_its_metric_is_about(store, folder, metric, name):
    own = Rule(name="Own", expression=Gauge(name=metric))
    alert = Alert(key="k", rule="Own", labels={})
    found = gather(store, [(own, alert)], time.time())["k"]
    assert name in {piece.name for piece in found}


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_has_evidence_from_an_empty_store_without_trouble(folder, name):
    (folder / "errors.log").write_text("")
    found = evidence(SqliteStore(MEMORY), name)
    assert of_kind(found, "trouble") == []


def test_a_store_that_is_gone_is_a_piece_that_says_so_and_lines_are_there(
    folder, tmp_path
):
    (folder / "errors.log").write_text(failure("a"))
    source = Source(lambda: SqliteStore(tmp_path))  # a folder is no store
    found = evidence(source, "HighErrorRate")
    assert len(of_kind(found, "line")) == 1
    (trouble,) = of_kind(found, "trouble")
    assert trouble.text.startswith("not all is known: ")


def test_a_log_directory_that_is_gone_is_a_piece_that_says_so(store, folder):
    (folder / "errors.log").unlink(missing_ok=True)
    found = evidence(store, "HighErrorRate")
    (trouble,) = of_kind(found, "trouble")
    assert "no .log file" in trouble.text


def test_a_disk_that_hangs_holds_nobody_up(store, folder, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr("spotter.alerts.evidence.lines.SECONDS", 0.01)
    monkeypatch.setattr(
        "spotter.alerts.evidence.lines.search", lambda *given: iter(over.wait, True)
    )
    (folder / "errors.log").write_text("")
    found = evidence(store, "HighErrorRate")
    over.set()
    assert "it took too long" in of_kind(found, "trouble")[0].text


def test_a_look_that_fails_is_a_piece_that_says_so(store, folder, monkeypatch, caplog):
    def broken(scene):
        raise TypeError("a mistake of ours")

    monkeypatch.setitem(gatherings.BY_RULE, "HighErrorRate", (broken,))
    found = evidence(store, "HighErrorRate")
    assert [piece.text for piece in found] == ["broken could not be gathered"]
    assert "could not gather broken" in caplog.text


def test_what_takes_too_long_is_cut_short_and_says_so(store, folder, monkeypatch):
    monkeypatch.setattr(gatherings, "BUDGET_SECONDS", -1.0)
    found = evidence(store, "HighErrorRate")
    assert [piece.text for piece in found] == ["there was no time for more"]


def test_a_hundred_alerts_at_once_ask_the_store_about_routes_once(store, folder):
    asked: list[str] = []

    class Counting(Source):
        def total(self, query):
            asked.append(query.name)
            return super().total(query)

    begun = [
        (RULES["HighErrorRate"], Alert(key=str(n), rule="HighErrorRate", labels={}))
        for n in range(100)
    ]
    (folder / "errors.log").write_text("")
    found = gather(Counting(lambda: store), begun, time.time())
    assert len(found) == 100
    assert asked.count("spotter.http.server.exceptions") == 1


def test_evidence_is_bounded_scrubbed_and_holds_nothing_twice():
    long = Piece(kind="line", name="Log lines", text="x y" * 1000)
    secret = Piece(
        kind="line", name="Log lines", text="ann@example.com password=hunter22"
    )
    many = [Piece(kind="route", name="R", text=str(n)) for n in range(2 * MAX_PIECES)]
    with World().book.writing() as page:
        keep(page, 1, time.time(), [long, long, secret])
        keep(page, 1, time.time(), [long, *many])
        found = kept(page, 1)
        assert page.events(1) == []
    assert len(found) == MAX_PIECES
    assert [p.kind for p in found].count("line") == 2
    assert len(found[0].text) == MAX_TEXT
    assert "ann@" not in str(found)
    assert "hunter22" not in str(found)


def test_a_message_has_a_line_for_each_name_and_no_log_lines():
    pieces = [
        Piece(kind="route", name="Failing routes", text="a"),
        Piece(kind="line", name="Log lines", text="b"),
        Piece(kind="route", name="Failing routes", text="c"),
    ]
    assert told(pieces) == [("Failing routes", "a; c")]


def test_the_place_is_the_innermost_line_of_the_project():
    assert place_of(failure("x").splitlines()).endswith("test_evidence.py:12 charge")
    assert place_of(["no stack"]) == ""


def pieces_in(book):
    """What is kept with the only incident."""
    with book.reading() as page:
        (incident,) = page.incidents()
        return kept(page, incident.id)


def with_evidence(*rules):
    """A world whose evidence is what was true when it was asked for."""
    world = World(*rules)
    asked: list[str] = []

    def evidence(begun, now):
        asked.extend(alert.rule for _, alert in begun)
        return {
            a.key: [Piece(kind="reading", name=a.rule, text=f"at {a.value}")]
            for _, a in begun
        }

    world.engine.evidence = evidence
    return world, asked


def test_evidence_is_frozen_when_it_fires_and_joined_by_that_of_others():
    world, asked = with_evidence(rule("First"), rule("Second"))
    world.tick(First=1, Second=0)
    world.tick(5, First=9)
    world.tick(5, Second=2)
    assert [p.text for p in pieces_in(world.book)] == ["at 1", "at 2"]
    assert asked == ["First", "Second"]
    assert world.channels[0].sent[0].evidence == (("First", "at 1"),)


def test_what_waits_for_its_explanation_is_asked_for_evidence_once():
    world, asked = with_evidence(
        rule("DatabaseDown"), rule("Errors", because_of=("DatabaseDown",))
    )
    world.tick(DatabaseDown=1, Errors=0)
    world.tick(5, DatabaseDown=0)
    for _ in range(3):
        world.tick(5, Errors=1)
    assert asked == ["DatabaseDown", "Errors"]


def test_evidence_is_read_before_the_transaction_in_which_it_is_written(store, folder):
    """Inside of it SQLite reads nothing: it would be none, ever."""
    world = World()
    book_store = world.book.store
    batch, at = Batch(), time.time()
    batch.point(
        Series.of("spotter.health_check.up", {"check": "db", "kind": "d"}), at
    ).set(0, at)
    batch.samples.append(
        Sample(kind="deploy", key="7", at=at, weight=1, body={"release": "7"})
    )
    book_store.write(batch)
    world.now = time.time()
    world.engine.evidence = lambda begun, now: gather(
        Source(lambda: book_store), begun, now
    )
    world.tick(1, Broken=1)
    found = pieces_in(world.book)
    assert [p.text[:1] for p in of_kind(found, "deploy")] == ["7"]
    assert not [p for p in of_kind(found, "trouble") if "not all" in p.text]


def test_without_a_store_there_is_an_incident_all_the_same():
    world = World()

    def evidence(begun, now):
        return gather(Source(broken), begun, now)

    def broken():
        raise StoreError("gone")

    world.engine.evidence = evidence
    world.tick(Broken=1)
    assert "gone" in str(pieces_in(world.book))
    assert world.channels[0].kinds_sent == ["trigger"]


def test_a_mistake_in_gathering_keeps_nobody_from_being_told(caplog):
    world = World()

    def broken(begun, now):
        raise TypeError("a mistake of ours")

    world.engine.evidence = broken
    world.tick(Broken=1)
    assert world.channels[0].kinds_sent == ["trigger"]
    assert "could not gather evidence" in caplog.text


def test_the_watcher_keeps_evidence_of_what_it_finds(scene, folder):
    (folder / "errors.log").write_text(failure("a"))
    watcher = scene.watcher()
    scene.value = 1.0
    scene.tick(watcher)
    found = pieces_in(watcher.book)
    assert [p.request_id for p in of_kind(found, "line")] == ["a"]
