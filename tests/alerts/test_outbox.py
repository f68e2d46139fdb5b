"""At least once, never zero times; whatever receivers and watchers do."""

from __future__ import annotations

import pytest

from spotter.alerts.book import FAILED, PENDING, SENT
from spotter.alerts.outbox import GIVE_UP_SECONDS, LEASE_SECONDS, wait
from spotter.channels import DeliveryError
from tests.alerts.kit import Recorded, World, rule


def world(*failures: DeliveryError) -> World:
    made = World(channels=[Recorded(failures=list(failures))])
    made.values["Broken"] = 1.0
    made.decide()
    return made


def states(made: World) -> list[str]:
    return [state for _, _, state, _ in made.decisions()]


def test_a_failed_message_is_tried_again_after_the_wait_that_was_asked_for():
    made = world(DeliveryError("429", retry_after=7))
    made.outbox.deliver(made.book, made.now)
    assert states(made) == [PENDING]
    made.outbox.deliver(made.book, made.now + 6.9)
    assert made.channels[0].sent == []
    made.outbox.deliver(made.book, made.now + 7)
    assert states(made) == [SENT]


@pytest.mark.parametrize(
    ("attempts", "least", "most"),
    [(1, 2.5, 5), (2, 5, 10), (3, 10, 20), (7, 150, 300), (500, 150, 300)],
)
def test_the_wait_doubles_up_to_five_minutes(attempts, least, most):
    assert all(least <= wait(attempts, None) <= most for _ in range(50))


def test_a_permanent_failure_is_not_repeated():
    made = world(DeliveryError("404", permanent=True))
    made.outbox.deliver(made.book, made.now)
    made.outbox.deliver(made.book, made.now + 9999)
    assert states(made) == [FAILED]
    assert made.channels[0].sent == []


def test_a_message_is_given_up_after_a_day():
    made = world(DeliveryError("503"), DeliveryError("503"), DeliveryError("503"))
    made.outbox.deliver(made.book, made.now + GIVE_UP_SECONDS)
    assert states(made) == [PENDING]
    made.outbox.deliver(made.book, made.now + GIVE_UP_SECONDS + 1000)
    assert states(made) == [FAILED]


def test_a_watcher_that_died_while_sending_is_followed_by_one_that_sends_again():
    made = world()
    with made.book.writing() as page:
        assert len(page.claim(made.now, LEASE_SECONDS)) == 1
    made.outbox.deliver(made.book, made.now + LEASE_SECONDS - 1)
    assert made.channels[0].sent == []
    made.outbox.deliver(made.book, made.now + LEASE_SECONDS)
    assert made.channels[0].kinds_sent == ["trigger"]


def test_two_watchers_do_not_send_the_same_message():
    made = world()
    with made.book.writing() as page:
        assert len(page.claim(made.now, LEASE_SECONDS)) == 1
    with made.book.writing() as page:
        assert page.claim(made.now, LEASE_SECONDS) == []


def test_the_messages_of_an_incident_keep_their_order():
    chat = Recorded(failures=[DeliveryError("503", retry_after=60)])
    made = World(rule("First"), rule("Second"), channels=[chat])
    made.tick(First=1, Second=0)
    made.tick(5, Second=1)
    made.tick(5)
    assert chat.sent == []
    made.tick(60)
    made.tick(1)
    assert chat.kinds_sent == ["trigger", "update"]


def test_one_dead_channel_does_not_hold_up_another():
    dead = Recorded(name="dead", failures=[DeliveryError("503")] * 9)
    made = World(channels=[dead, Recorded(name="alive")])
    made.tick(Broken=1)
    assert made.channels[1].kinds_sent == ["trigger"]


def test_a_channel_that_raises_anything_is_tried_again(caplog):
    class Broken(Recorded):
        def send(self, notice):
            raise ZeroDivisionError

    made = World(channels=[Broken()])
    made.tick(Broken=1)
    assert states(made) == [PENDING]


def test_a_channel_that_is_no_longer_configured_is_told_so():
    made = world()
    made.channels = []
    made.start()
    made.outbox.deliver(made.book, made.now)
    assert states(made) == [FAILED]
