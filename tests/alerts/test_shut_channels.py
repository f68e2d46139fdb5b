"""A channel whose key is dead is left alone, visibly, and others are told."""

from __future__ import annotations

import pytest

from spotter.alerts.desk import UNHEARD_SECONDS, WAITED_SECONDS
from spotter.alerts.engine import TOGETHER_SECONDS
from spotter.alerts.records import FAILED, PENDING, SENT, SHUT_SECONDS, SUPPRESSED
from spotter.alerts.shipped.monitoring import FAILING_TRIES, failing
from spotter.channels import DeliveryError
from tests.alerts.kit import Recorded, World, rule

DEAD = DeliveryError("answered 404: no_service", shut=True)


def chat(*failures: DeliveryError, **options) -> Recorded:
    return Recorded(failures=list(failures), **options)


def last(world: World, channel: str) -> tuple[str, str]:
    """State and reason of the last decision about a channel."""
    found = [(d[2], d[3]) for d in world.decisions() if d[0] == channel]
    return found[-1]


def test_it_is_asked_once_and_the_next_in_line_is_told():
    world = World(channels=[chat(DEAD, DEAD), chat(name="mail", severities=("info",))])
    world.tick(Broken=1)
    world.tick(5)
    world.tick(5)
    dead, mail = world.channels
    assert len(dead.failures) == 1
    assert [notice.reason for notice in mail.sent] == ["chat could not be told"]
    assert last(world, "chat")[0] == PENDING


def test_of_several_others_only_the_next_in_line_is_told():
    others = [chat(name=name, severities=("info",)) for name in ("a", "b")]
    world = World(channels=[others[0], chat(DEAD), others[1]])
    world.tick(Broken=1)
    world.tick(5)
    world.tick(5)
    assert (others[0].sent, others[1].kinds_sent) == ([], ["trigger"])


def test_a_new_incident_is_not_even_tried_and_says_why():
    world = World(rule("A"), rule("B"), channels=[chat(DEAD), chat(name="mail")])
    world.tick(A=1, B=0)
    world.tick(700, A=0)
    world.tick(700, B=1)
    state, reason = last(world, "chat")
    assert state == SUPPRESSED
    assert reason == (
        "it is shut: answered 404: no_service; `manage.py spotter notify chat` opens it"
    )
    assert world.channels[1].kinds_sent == ["trigger", "resolve", "trigger"]


def test_an_incident_for_a_shut_channel_alone_is_told_by_the_next():
    mail = chat(name="mail", severities=("info",))
    world = World(rule("A"), rule("B"), channels=[chat(DEAD), mail])
    world.tick(A=1, B=0)
    world.tick(5)
    world.tick(700, A=0)
    world.tick(700, B=1)
    world.tick(5)
    assert [n.title for n in mail.sent if n.kind == "trigger"] == [
        "A is at 1",
        "B is at 1",
    ]


def test_one_try_an_hour_finds_out_that_it_is_mended():
    world = World(channels=[chat(DEAD, DEAD)])
    world.tick(Broken=1)
    world.tick(SHUT_SECONDS - 1)
    assert len(world.channels[0].failures) == 1
    world.tick(1)
    assert world.channels[0].failures == []
    world.tick(SHUT_SECONDS)
    assert world.channels[0].kinds_sent[:1] == ["trigger"]
    with world.book.reading() as page:
        assert page.shut_channels() == {}


def test_what_waited_is_sent_when_it_is_opened_again():
    world = World(channels=[chat(DEAD)])
    world.tick(Broken=1)
    with world.book.writing() as page:
        assert page.open_again("chat", world.now)
        assert not page.open_again("chat", world.now)
    world.tick(1)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_changed_settings_open_it_again():
    world = World(channels=[chat(DEAD)])
    world.tick(Broken=1)
    world.channels = [chat(remind_seconds=9.0)]
    world.start()
    world.tick(1)
    assert world.channels[0].kinds_sent[0] == "trigger"


def test_a_channel_that_is_removed_is_not_shut_for_ever():
    world = World(channels=[chat(DEAD)])
    world.tick(Broken=1)
    world.channels = []
    world.start()
    world.tick(1)
    with world.book.reading() as page:
        assert page.shut_channels() == {}


def test_a_shut_channel_is_an_alert_as_long_as_it_is_shut():
    world = World(channels=[chat(DEAD)])
    world.tick(Broken=1)
    (reading,) = failing(world.book, world.now + 3 * SHUT_SECONDS)
    assert (reading.labels, reading.value) == ({"channel": "chat"}, FAILING_TRIES)
    assert reading.note == "it is shut: answered 404: no_service"


def test_the_end_of_what_it_was_told_waits_for_it():
    world = World(channels=[chat()])
    world.tick(Broken=1)
    world.channels[0].failures.append(DEAD)
    world.tick(5, Broken=0)
    world.tick(SHUT_SECONDS)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]


@pytest.mark.parametrize(
    ("after", "told"), [(UNHEARD_SECONDS - 1, 0), (UNHEARD_SECONDS, 1)]
)
def test_a_channel_that_fails_and_fails_is_replaced_after_two_minutes(after, told):
    dead = chat(*[DeliveryError("503", retry_after=1)] * 99)
    other = chat(name="mail", severities=("info",))
    world = World(channels=[dead, other])
    world.tick(Broken=1)
    world.tick(after - 1)
    world.tick(1)
    assert len(other.sent) == told


def test_one_that_asks_for_an_hour_is_replaced_after_two_minutes():
    busy = chat(DeliveryError("429", retry_after=3600))
    other = chat(name="mail", severities=("info",))
    world = World(channels=[busy, other])
    world.tick(Broken=1)
    world.tick(UNHEARD_SECONDS)
    assert [notice.reason for notice in other.sent] == ["chat could not be told"]


@pytest.mark.parametrize(
    ("after", "told"), [(WAITED_SECONDS - 1, 0), (WAITED_SECONDS, 1)]
)
def test_one_before_which_others_wait_for_ten_minutes_is_replaced(after, told):
    busy = chat(rate=(1, 9999.0))
    other = chat(name="mail", severities=("info",))
    world = World(rule("A"), rule("B"), channels=[busy, other])
    world.tick(A=1, B=0)
    world.tick(TOGETHER_SECONDS + 1, B=1)
    world.tick(after)
    assert len(other.sent) == told


def test_what_else_waits_for_it_is_not_tried_either():
    dead = chat(DEAD, DEAD)
    world = World(rule("A"), rule("B"), channels=[dead])
    for name in "AB":
        world.now += 601.0
        world.values[name] = 1.0
        world.decide()
    world.tick(1)
    assert len(dead.failures) == 1


def test_one_whose_receivers_were_told_in_part_is_not_replaced():
    partly = chat(*[DeliveryError("1 of 2: 503", told=["a"], retry_after=1)] * 99)
    other = chat(name="mail", severities=("info",))
    world = World(channels=[partly, other])
    world.tick(Broken=1)
    for _ in range(4):
        world.tick(UNHEARD_SECONDS)
    assert other.sent == []


def test_one_that_was_heard_is_not_replaced_by_another():
    dead = chat(DeliveryError("400", permanent=True))
    info = chat(name="info", severities=("info",))
    world = World(channels=[dead, chat(name="mail"), info])
    world.tick(Broken=1)
    world.tick(5)
    assert last(world, "chat")[0] == FAILED
    assert last(world, "mail")[0] == SENT
    assert info.sent == []


def test_a_channel_that_cannot_say_whom_it_is_for_does_not_mute_the_others(caplog):
    class Broken(Recorded):
        def why_not(self, **facts):
            raise ZeroDivisionError

    world = World(channels=[Broken(name="broken"), chat()])
    world.tick(Broken=1)
    assert world.channels[1].kinds_sent == ["trigger"]
    assert world.channels[0].kinds_sent == ["trigger"]
    assert "can't say whom it is for" in caplog.text
