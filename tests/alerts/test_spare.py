"""What people say while the store is gone, or is given back, is not lost."""

from __future__ import annotations

import dataclasses
import time

import pytest

from spotter.alerts.book import Book
from spotter.alerts.evidence import Piece, keep, kept
from spotter.alerts.naming import here
from spotter.alerts.records import (
    ACKNOWLEDGED,
    OPEN,
    PENDING,
    RESOLVED,
    SENT,
    SHUT_SECONDS,
)
from spotter.alerts.responses import respond
from spotter.alerts.spare import Spare, current, spare_path, var_folder
from spotter.channels import DeliveryError
from spotter.stores.current import get_store
from spotter.stores.sqlite import SqliteStore
from tests.alerts import test_watcher

scene = test_watcher.scene


@pytest.fixture
def fired(scene):
    """A watcher that has told of an incident, and then lost the store."""
    watcher = scene.watcher()
    scene.value = 1.0
    scene.tick(watcher)
    scene.tick(watcher, 10)
    scene.take_store_away()
    scene.tick(watcher)
    assert watcher.is_on_spare
    return scene, watcher


def answer(scene, action, **fields):
    """What a page on the watcher's machine does."""
    with current(get_store(), scene.hands.wall).writing() as page:  # type: ignore[arg-type]
        respond(page, action, {"incident": "1", **fields}, "user 7", scene.hands.wall)


def store_book(watcher):
    with watcher.book.reading() as page:
        (incident,) = page.incidents()
        events = page.events(incident.id)
        return incident, [e.kind for e in events], page.silences()


def come_back(scene, watcher):
    scene.bring_store_back()
    scene.tick(watcher)
    assert not watcher.is_on_spare


def test_what_is_said_while_the_store_is_gone_is_in_it_afterwards(fired):
    scene, watcher = fired
    answer(scene, "acknowledge")
    answer(scene, "note", text="looking")
    answer(scene, "silence", matchers="rule=Broken", reason="we know", until="4h")
    scene.tick(watcher, 10)
    come_back(scene, watcher)
    incident, kinds, silences = store_book(watcher)
    assert incident.state == ACKNOWLEDGED
    assert incident.body["acknowledged_by"] == "user 7"
    assert {"acknowledged", "note", "silenced"} <= set(kinds)
    assert [s.reason for s in silences] == ["we know"]
    assert kinds.count("note") == 1


def test_the_timeline_says_when_the_store_was_gone(fired):
    scene, watcher = fired
    come_back(scene, watcher)
    assert store_book(watcher)[1].count("store") == 2


def test_what_is_said_in_the_store_meanwhile_is_kept_too(fired):
    """Somebody on another machine still reaches it."""
    scene, watcher = fired
    scene.bring_store_back()
    scene.hands.pass_(1)
    with watcher.book.writing() as page:
        at = scene.hands.wall
        respond(page, "acknowledge", {"incident": "1"}, "user 8", at)
        respond(page, "note", {"incident": "1", "text": "there"}, "user 8", at)
    scene.tick(watcher)
    incident, kinds, _ = store_book(watcher)
    assert incident.state == ACKNOWLEDGED
    assert incident.body["acknowledged_by"] == "user 8"
    assert incident.rules == {"Broken": 1}
    assert kinds.count("note") == 1


def test_who_spoke_last_counts_whichever_book_it_was(fired):
    scene, watcher = fired
    answer(scene, "acknowledge")
    scene.hands.pass_(1)
    answer(scene, "unacknowledge")
    scene.bring_store_back()
    with watcher.book.writing() as page:
        at = scene.hands.wall - 1.5
        respond(page, "acknowledge", {"incident": "1"}, "user 8", at)
    scene.tick(watcher)
    assert store_book(watcher)[0].state == OPEN


def test_a_silence_that_is_ended_meanwhile_stays_ended(scene):
    watcher = scene.watcher()
    scene.tick(watcher)
    with watcher.book.writing() as page:
        fields = {"matchers": "rule=Other", "reason": "x", "until": "4h"}
        respond(page, "silence", fields, "user 7", scene.hands.wall)
        respond(page, "silence", {**fields, "reason": "y"}, "user 7", scene.hands.wall)
    scene.tick(watcher, 11)
    scene.take_store_away()
    scene.tick(watcher)
    answer(scene, "unsilence", silence="1")
    come_back(scene, watcher)
    with watcher.book.reading() as page:
        on = [s.reason for s in page.silences() if s.is_on(scene.hands.wall)]
        assert on == ["y"]
        assert len(page.silences()) == 2


def test_what_a_watcher_could_not_give_back_the_next_one_does(fired):
    scene, first = fired
    answer(scene, "note", text="looking")
    del first  # killed, with the store still gone
    second = scene.watcher()
    scene.tick(second)
    assert scene.chat.kinds_sent == ["trigger"]
    come_back(scene, second)
    assert store_book(second)[1].count("note") == 1
    scene.value = 0.0
    scene.tick(second)
    assert scene.chat.kinds_sent == ["trigger", "resolve"]


def test_a_watcher_that_no_longer_leads_gives_back_what_was_said(fired):
    scene, watcher = fired
    answer(scene, "note", text="looking")
    scene.bring_store_back()
    with watcher.book.writing() as page:
        page.resign(watcher.name)
        assert page.lead("another", scene.hands.wall, 60)
    scene.tick(watcher)
    assert not watcher.is_leading
    assert store_book(watcher)[1].count("note") == 1


def test_an_incident_that_only_the_spare_book_knows_is_not_left_open(tmp_path):
    spare = Spare(tmp_path / "watcher.db")
    book = Book(SqliteStore(tmp_path / "spotter.db"))
    with spare.book.writing() as page:
        page.open_incident("key", "critical", 1.0, {"title": "x"})
    spare.give_back(book, 10.0, leads=False)
    with book.reading() as page:
        (incident,) = page.incidents()
    assert (incident.state, incident.resolved_at) == (RESOLVED, 10.0)


def test_an_incident_that_another_watcher_opened_meanwhile_is_the_same(tmp_path):
    spare = Spare(tmp_path / "watcher.db")
    book = Book(SqliteStore(tmp_path / "spotter.db"))
    with book.writing() as page:
        page.open_incident("other", "critical", 1.0, {"title": "other"})
        page.open_incident("key", "critical", 2.0, {"title": "theirs"})
    with spare.book.writing() as page:
        made = page.open_incident("key", "critical", 1.0, {"title": "ours"})
        page.note(made.id, 3.0, "note", "looking")
    spare.give_back(book, 10.0, leads=False)
    with book.reading() as page:
        assert [i.title for i in page.incidents()] == ["theirs", "other"]
        assert [e.kind for e in page.events(2)] == ["note"]


def over(page, number, at):
    """An incident that came and went at an instant."""
    made = page.open_incident(f"other-{number}", "info", at, {"title": "x"})
    page.save_incident(
        dataclasses.replace(made, state=RESOLVED, resolved_at=at, touched_at=at)
    )


def test_what_has_the_number_of_something_long_over_is_ended_for_who_was_told(scene):
    """Two books count from one: its end must not be taken for the other's."""
    leading, cut_off = scene.watcher(), scene.watcher()
    scene.tick(leading)
    scene.tick(cut_off)
    scene.value = 1.0
    scene.tick(leading)
    scene.value = 0.0
    scene.tick(leading)
    assert scene.chat.kinds_sent == ["trigger", "resolve"]
    # The other's copy is of before; without the store it speaks itself.
    scene.take_store_away()
    scene.value = 1.0
    scene.tick(cut_off)
    assert cut_off.is_on_spare
    assert scene.chat.kinds_sent[2:] == ["trigger"]
    scene.bring_store_back()
    scene.value = 0.0
    scene.tick(leading)
    scene.tick(cut_off, 1)
    scene.tick(leading)
    assert not cut_off.is_leading
    assert scene.chat.kinds_sent[2:] == ["trigger", "resolve"]
    assert len({notice.dedup_key for notice in scene.chat.sent}) == 1


def test_what_began_without_the_store_is_not_taken_for_what_is_over_there(tmp_path):
    """Two books count from one: the number and the key of both may be the same."""
    spare = Spare(tmp_path / "watcher.db")
    book = Book(SqliteStore(tmp_path / "spotter.db"))
    for pages, at in ((book, 1.0), (spare.book, 500.0)):
        with pages.writing() as page:
            made = page.open_incident("key", "critical", at, {"title": f"of {at:g}"})
            page.decide(
                "1:chat:trigger:0", made.id, "chat", "trigger", state=PENDING, now=at,
                reason="it opened",
            )  # fmt: skip
            page.mark(1, SENT, at)
            if pages is book:
                over = dataclasses.replace(made, state=RESOLVED, resolved_at=2.0)
                page.save_incident(over)
    spare.give_back(book, 600.0, leads=False)
    with book.reading() as page:
        latest, first = page.incidents()
        sent = {(d.incident, d.key) for d in page.deliveries()}
    assert (first.title, first.resolved_at) == ("of 1", 2.0)
    assert (latest.title, latest.resolved_at) == ("of 500", 600.0)
    assert sent == {(1, "1:chat:trigger:0"), (2, "2:chat:trigger:0")}


@pytest.mark.parametrize(
    ("holder", "now", "is_free"),
    [
        ("elsewhere-0-1-0", 100.0, False),
        ("elsewhere-0-1-0", 172.0, False),
        ("elsewhere-0-1-0", 172.1, True),
        # The clock was set back since.
        ("elsewhere-0-1-0", 51.9, True),
        (f"{here()}-{2**22 + 1}-0", 100.0, True),
    ],
    ids=["leads", "silent for a minute", "silent for longer", "future", "dead"],
)
def test_a_spare_book_is_not_written_over_while_another_goes_on_in_it(
    tmp_path, holder, now, is_free
):
    spare = Spare(tmp_path / "watcher.db")
    book = Book(SqliteStore(tmp_path / "spotter.db"))
    with spare.book.writing() as page:
        page.lead(holder, 100.0, 12.0)
        page.open_incident("key", "critical", 100.0, {"title": "x"})
    assert spare.is_free(book, now) is is_free
    with book.reading() as page:
        assert len(page.incidents()) == int(is_free)
    with spare.book.reading() as page:
        assert len(page.incidents()) == int(not is_free)


def test_what_is_open_is_copied_however_many_came_after_it(tmp_path):
    spare = Spare(tmp_path / "watcher.db")
    book = Book(SqliteStore(tmp_path / "spotter.db"))
    with book.writing() as page:
        page.open_incident("key", "critical", 1.0, {"title": "x"})
        for number in range(201):
            over(page, number, 2.0)
    spare.copy(book, 10_000.0)
    with spare.book.reading() as page:
        assert page.incident(1) is not None


def test_what_ended_while_the_store_was_gone_for_days_is_in_it_afterwards(tmp_path):
    spare = Spare(tmp_path / "watcher.db")
    book = Book(SqliteStore(tmp_path / "spotter.db"))
    with spare.book.writing() as page:
        over(page, 1, 10.0)
    spare.give_back(book, 10.0 + 3 * 86400.0)
    with book.reading() as page:
        assert [i.dedup_key for i in page.incidents()] == ["other-1"]


def test_the_spare_book_counts_only_while_a_watcher_is_on_it(fired):
    scene, watcher = fired
    store = watcher.book.store
    assert current(store, scene.hands.wall).store is not store
    assert current(store, scene.hands.wall + 60).store is store
    come_back(scene, watcher)
    assert current(store, scene.hands.wall).store is store


def test_a_spare_book_that_cannot_be_read_is_passed_over(scene):
    watcher = scene.watcher()
    path = spare_path(watcher.book.store, var_folder())
    path.unlink()
    path.mkdir()
    assert current(watcher.book.store, time.time()).store is watcher.book.store


def test_a_silence_is_copied_with_its_number(tmp_path):
    book = Book(SqliteStore(tmp_path / "a.db"))
    spare = Spare(tmp_path / "b.db")
    with book.writing() as page:
        for reason in ("x", "y", "z"):
            page.silence({"rule": reason}, "bob", reason, 0.0, 5000.0, 0.0)
        page.end_silence(2, 10.0)
    spare.copy(book, 1000.0)
    with book.reading() as there, spare.book.reading() as here:
        kept = [dataclasses.asdict(s) for s in there.silences(1000.0)]
        assert [dataclasses.asdict(s) for s in here.silences()] == kept
        assert [s["id"] for s in kept] == [3, 1]


def test_evidence_is_in_both_books_and_once(fired):
    scene, watcher = fired
    with watcher.spare.book.writing() as page:
        keep(page, 1, 1.0, [Piece(kind="route", name="Failing routes", text="new")])
    come_back(scene, watcher)
    with watcher.book.reading() as page:
        texts = [piece.text for piece in kept(page, 1)]
    watcher.spare.copy(watcher.book, scene.hands.wall)
    with watcher.spare.book.reading() as page:
        assert [piece.text for piece in kept(page, 1)] == texts
    assert texts.count("new") == 1
    assert len(texts) == len(set(texts)) > 1


def deploy(page, starts_at, ends_at):
    """A silence as a script makes one in each deploy."""
    page.silence({"rule": "Broken"}, "ci", "a deploy", starts_at, ends_at, starts_at)


def test_a_silence_like_one_that_is_over_is_not_taken_for_it(tmp_path):
    spare = Spare(tmp_path / "watcher.db")
    book = Book(SqliteStore(tmp_path / "spotter.db"))
    with book.writing() as page:
        deploy(page, 0.0, 500.0)
    spare.copy(book, 1000.0)
    with spare.book.writing() as page:
        deploy(page, 1000.0, 5000.0)
    spare.give_back(book, 1500.0)
    with book.reading() as page:
        assert [s.ends_at for s in page.silences(1500.0)] == [5000.0]


def test_the_end_of_a_silence_is_not_lost_on_one_like_it(tmp_path):
    spare = Spare(tmp_path / "watcher.db")
    book = Book(SqliteStore(tmp_path / "spotter.db"))
    with book.writing() as page:
        deploy(page, 0.0, 500.0)
        deploy(page, 900.0, 5000.0)
    spare.copy(book, 1000.0)
    with spare.book.writing() as page:
        assert page.end_silence(2, 1200.0, "user 7")
    spare.give_back(book, 1500.0)
    with book.reading() as page:
        assert page.silences(1500.0) == []


def test_a_window_that_is_called_off_meanwhile_stays_so(tmp_path):
    spare = Spare(tmp_path / "watcher.db")
    book = Book(SqliteStore(tmp_path / "spotter.db"))
    with book.writing() as page:
        deploy(page, 3000.0, 5000.0)
    spare.copy(book, 1000.0)
    with spare.book.writing() as page:
        assert page.end_silence(1, 1200.0, "user 7")
    spare.give_back(book, 1500.0)
    with book.reading() as page:
        assert page.silences(1500.0) == []
        assert len(page.silences()) == 1


def test_a_channel_that_is_shut_meanwhile_is_shut_in_the_store(fired):
    scene, watcher = fired
    scene.chat.failures.append(DeliveryError("answered 404", shut=True))
    scene.value = 0.0
    scene.tick(watcher)
    come_back(scene, watcher)
    with watcher.book.reading() as page:
        assert [why.reason for why in page.shut_channels().values()] == ["answered 404"]
    scene.tick(watcher, SHUT_SECONDS)
    assert scene.chat.kinds_sent == ["trigger", "resolve"]


def test_a_channel_that_works_again_meanwhile_is_open_in_the_store(scene):
    scene.chat.failures.append(DeliveryError("answered 404", shut=True))
    watcher = scene.watcher()
    scene.value = 1.0
    scene.tick(watcher)
    scene.tick(watcher, 10)
    scene.take_store_away()
    scene.tick(watcher)
    with watcher.current().writing() as page:
        assert page.open_again("chat", scene.hands.wall)
    scene.tick(watcher)
    assert scene.chat.kinds_sent == ["trigger"]
    come_back(scene, watcher)
    with watcher.book.reading() as page:
        assert page.shut_channels() == {}


def test_a_watcher_without_a_place_for_its_book_watches_all_the_same(scene):
    """As in a container whose file system takes no writes, with the store elsewhere."""
    path = scene.folder / "taken"
    path.write_text("a file where a folder is wanted")
    spare = Spare(path / "watcher.db")
    book = Book(SqliteStore(scene.folder / "spotter.db"))
    with book.writing() as page:
        page.open_incident("key", "critical", 1.0, {"title": "x"})
    assert not spare.is_left_over()
    spare.use_file()
    spare.copy(book, 10.0)
    with spare.book.reading() as page:
        assert [incident.title for incident in page.incidents()] == ["x"]


def test_what_was_told_is_not_told_again_for_an_older_copy_of_it(tmp_path):
    """The watcher that leads has sent it since another was cut off."""
    spare = Spare(tmp_path / "watcher.db")
    book = Book(SqliteStore(tmp_path / "spotter.db"))
    with book.writing() as page:
        made = page.open_incident("key", "critical", 1.0, {"title": "x"})
        page.decide(
            "1:chat:trigger:0", made.id, "chat", "trigger", state=PENDING, now=1.0,
            reason="it opened",
        )  # fmt: skip
    spare.copy(book, 2.0)
    with book.writing() as page:
        page.mark(1, SENT, 3.0)
    spare.give_back(book, 4.0, leads=False)
    with book.reading() as page:
        assert [(d.state, d.done_at) for d in page.deliveries()] == [(SENT, 3.0)]
