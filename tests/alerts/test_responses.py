"""What people do: acknowledge and take it back, comment, resolve, silence."""

from __future__ import annotations

import datetime

import pytest

from spotter.alerts.book import Book
from spotter.alerts.fields import MAX_TEXT, RefusedError
from spotter.alerts.records import MAINTENANCE, RESOLVED
from spotter.alerts.responses import respond
from spotter.alerts.silencing import SpanError, span_of
from spotter.stores import open_store
from spotter.stores.sql import SqlStore
from tests.alerts.kit import Recorded, World, rule

HOUR, DAY = 3600.0, 86400.0


@pytest.fixture
def world():
    made = World(channels=[Recorded(remind_seconds=600)])
    made.tick(Broken=1)
    return made


def do(world, action, **fields):
    with world.book.writing() as page:
        return respond(page, action, fields, "user 7", world.now)


def kinds(world):
    return [kind for kind, _ in world.timeline]


def test_an_acknowledgement_that_is_taken_back_lets_reminders_go_on(world):
    do(world, "acknowledge", incident="1")
    world.tick(601)
    assert world.channels[0].kinds_sent == ["trigger"]
    do(world, "unacknowledge", incident="1")
    world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger", "reminder"]
    assert kinds(world)[-3:] == ["acknowledged", "unacknowledged", "sent"]


def test_only_the_first_acknowledgement_counts_for_the_time_to_acknowledge(world):
    world.tick(60)
    do(world, "acknowledge", incident="1")
    do(world, "unacknowledge", incident="1")
    world.tick(60)
    do(world, "acknowledge", incident="1")
    assert world.incidents[0].acknowledged_after == 60


def test_what_is_over_needs_a_resolution_until_there_is_one(world):
    assert not world.incidents[0].needs_resolution
    world.tick(5, Broken=0)
    assert world.incidents[0].needs_resolution
    do(world, "resolution", incident="1", cause="a full disk", done="logs deleted")
    (incident,) = world.incidents
    assert not incident.needs_resolution
    assert incident.resolution == {
        "cause": "a full disk", "done": "logs deleted", "by": "user 7", "at": world.now,
    }  # fmt: skip


def test_what_fires_again_needs_another_resolution(world):
    world.tick(5, Broken=0)
    do(world, "resolution", incident="1", cause="x", done="y")
    world.tick(5, Broken=1)
    world.tick(5, Broken=0)
    assert world.incidents[0].needs_resolution
    assert "resolution" in kinds(world)


@pytest.mark.parametrize(
    ("action", "fields", "word"),
    [
        ("acknowledge", {"incident": "2"}, "no incident 2"),
        ("acknowledge", {"incident": "one"}, "must be a number"),
        ("acknowledge", {}, "must be a number"),
        ("unacknowledge", {"incident": "1"}, "is open"),
        ("note", {"incident": "1", "text": " "}, "1 to 2,000 characters"),
        ("note", {"incident": "1", "text": "x" * (MAX_TEXT + 1)}, "1 to 2,000"),
        ("resolution", {"incident": "1", "cause": "x", "done": "y"}, "is open"),
        ("unsilence", {"silence": "5"}, "Silence 5 has ended"),
        ("silence", {"reason": "x", "until": "1h"}, "needs a matcher"),
        ("silence", {"matchers": "rule=x", "until": "1h"}, "“Reason” must have"),
        ("silence", {"matchers": "rule=x", "reason": "x", "until": "soon"}, "duration"),
        ("silence", {"matchers": "rule=x", "reason": "x", "until": "incident", "incident": "9"}, "Incident 9 is over"),
        ("explode", {}, "no action"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_with_a_reason(world, action, fields, word):
    with pytest.raises(RefusedError, match=word):
        do(world, action, **fields)
    assert kinds(world) == ["opened", "firing", "sent"]


def test_the_longest_text_is_taken(world):
    do(world, "note", incident="1", text="x" * MAX_TEXT)
    assert kinds(world)[-1] == "note"


def test_what_people_write_is_scrubbed_for_others_will_read_it(world):
    do(world, "note", incident="1", text="ann@example.com called, password=hunter22")
    assert "example.com" not in str(world.timeline)
    assert "hunter22" not in str(world.timeline)


def silence(world, **fields):
    given = {"matchers": "rule=Broken", "reason": "we know", "until": "1h", **fields}
    return do(world, "silence", **given)


def test_a_silence_until_the_incidents_end_ends_with_it(world):
    silence(world, until="incident", incident="1")
    world.tick(5)
    assert kinds(world)[-1] == "silenced"
    world.tick(5, Broken=0)
    with world.book.reading() as page:
        assert page.silences(world.now) == []
    world.tick(700, Broken=1)
    assert world.channels[0].kinds_sent == ["trigger", "resolve", "trigger"]


def test_the_timeline_says_which_silence_muted_it_and_when_that_was_over(world):
    silence(world, until="10m")
    world.tick(5)
    world.tick(5)
    assert ("silenced", "silence 1 until 1970-01-12 13:56:45 UTC: we know") in (
        world.timeline
    )
    world.tick(600)
    assert kinds(world).count("silenced") == 1
    assert kinds(world).count("silence ended") == 1


def test_a_silence_for_others_leaves_no_mark(world):
    silence(world, matchers="rule=Other")
    world.tick(5)
    assert "silenced" not in kinds(world)


def test_a_maintenance_window_mutes_from_its_beginning_to_its_end():
    world = World()
    silence(world, starts="1970-01-12 14:00", ends="1970-01-12 15:00", until="own")
    with world.book.reading() as page:
        assert page.silences()[0].kind == MAINTENANCE
    # 1,000,000 s after the epoch it is 13:46:40 UTC.
    world.tick(801, Broken=1)
    assert world.channels[0].sent == []
    world.tick(3599)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_a_window_that_is_ended_before_it_begins_never_mutes(world):
    silence(world, starts="1970-01-12 14:00", until="1h")
    do(world, "unsilence", silence="1")
    with world.book.reading() as page:
        (ended,) = page.silences()
    assert not ended.is_on(ended.starts_at)
    assert ended.ended_by == "user 7"


BERLIN = datetime.timezone(datetime.timedelta(hours=1))
NOW = datetime.datetime(2026, 11, 26, 2, 30, tzinfo=datetime.UTC).timestamp()


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ({}, 0, HOUR),
        ({"until": "4h"}, 0, 4 * HOUR),
        ({"until": "90m"}, 0, 1.5 * HOUR),
        ({"until": "1m"}, 0, 60),
        ({"until": "30d"}, 0, 30 * DAY),
        ({"until": "morning"}, 0, 28.5 * HOUR),  # 08:00 of the next day in Berlin
        ({"ends": "2026-11-26T03:00"}, 0, HOUR / 2),
        ({"starts": "2026-11-27 02:30", "until": "1h"}, DAY, DAY + HOUR),
        ({"starts": "2026-11-27T02:30:00+01:00", "until": "1h"}, 23 * HOUR, DAY),
    ],
)
def test_a_time_is_read_as_people_say_it(asked, start, end):
    span = span_of(asked, NOW, BERLIN)
    assert (span.starts_at - NOW, span.ends_at - NOW) == (start, end)


@pytest.mark.parametrize(
    "asked",
    [
        {"until": "59s"},
        {"until": "30.001d"},
        {"until": "own"},
        {"ends": "yesterday"},
        {"ends": "2026-11-26 02:30"},
        {"starts": "2028-01-01", "until": "1h"},
        {"starts": "2026-11-26 05:00", "ends": "2026-11-26 04:00"},
        {"until": "incident", "incident": "x"},
        {"kind": "holiday"},
    ],
)
def test_a_time_that_was_hardly_meant_is_refused(asked):
    with pytest.raises(SpanError):
        span_of(asked, NOW, BERLIN)


def test_what_is_told_of_a_next_step_is_an_escalation_in_the_timeline():
    boss = Recorded(name="boss", after_seconds=900)
    world = World(channels=[Recorded(), boss])
    world.tick(Broken=1)
    world.tick(900)
    world.tick(5)
    world.tick(5)
    assert boss.kinds_sent == ["trigger"]
    text = "boss is told: nobody has acknowledged it for 15 min"
    assert [t for k, t in world.timeline if k == "escalated"] == [text]


def test_an_incident_counts_its_rules_and_how_often_it_flapped():
    world = World(rule("First"), rule("Second"))
    world.tick(First=1, Second=0)
    world.tick(5, Second=1)
    world.tick(5, First=0)
    world.tick(5, First=1)
    world.tick(5, First=0, Second=0)
    (incident,) = world.incidents
    assert incident.rules == {"First": 2, "Second": 1}
    assert incident.flaps == 1
    assert incident.state == RESOLVED


def test_postgresql_keeps_what_people_do_as_well(postgres):
    postgres.create_database("responses")
    store = open_store(postgres.url("responses"))
    assert isinstance(store, SqlStore)
    world = World(book=Book(store))
    world.tick(Broken=1)
    do(world, "acknowledge", incident="1")
    silence(world, until="incident", incident="1")
    silence(world, matchers="rule=~.+", starts="1970-01-13 14:00")
    do(world, "unsilence", silence="2")
    world.tick(5)
    assert {"acknowledged", "silenced"} <= set(kinds(world))
    world.tick(5, Broken=0)
    with world.book.reading() as page:
        assert [s.is_on(world.now) for s in page.silences()] == [False, False]
    do(world, "resolution", incident="1", cause="x", done="y")
    assert not world.incidents[0].needs_resolution
    store.close()


def test_every_message_has_the_address_of_its_incident():
    world = World(
        channels=[Recorded(remind_seconds=600)], url="https://ops.example/spotter/"
    )
    world.tick(Broken=1)
    world.tick(600)
    world.tick(5, Broken=0)
    links = [dict(notice.links)["Incident"] for notice in world.channels[0].sent]
    assert links == ["https://ops.example/spotter/incidents/one/?id=1"] * 3
