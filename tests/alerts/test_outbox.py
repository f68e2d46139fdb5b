"""At least once, never zero times; whatever receivers and watchers do."""

from __future__ import annotations

import threading

import pytest

from spotter.alerts.outbox import (
    GIVE_UP_SECONDS,
    GIVE_UP_TRIES,
    LEASE_SECONDS,
    wait,
)
from spotter.alerts.records import FAILED, PENDING, SENT
from spotter.channels import DeliveryError
from tests.alerts.kit import Recorded, World, rule
from tests.servers.processes import wait_until


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
    made = world(*[DeliveryError("503", retry_after=1)] * 99)
    for number in range(GIVE_UP_TRIES):
        made.outbox.deliver(made.book, made.now + GIVE_UP_SECONDS - 100 + 2 * number)
    assert states(made) == [PENDING]
    made.outbox.deliver(made.book, made.now + GIVE_UP_SECONDS + 1)
    assert states(made) == [FAILED]


def test_a_message_that_nobody_has_tried_for_days_is_not_given_up_at_its_first_try():
    made = world(*[DeliveryError("503", retry_after=1)] * 99)
    for number in range(GIVE_UP_TRIES - 1):
        made.outbox.deliver(made.book, made.now + 3 * GIVE_UP_SECONDS + 2 * number)
        assert states(made) == [PENDING]
    made.outbox.deliver(made.book, made.now + 4 * GIVE_UP_SECONDS)
    assert states(made) == [FAILED]


def test_a_watcher_that_died_while_sending_is_followed_by_one_that_sends_again():
    made = world()
    with made.book.writing() as page:
        assert len(page.claim(made.now, LEASE_SECONDS, "chat")) == 1
    made.outbox.deliver(made.book, made.now + LEASE_SECONDS - 1)
    assert made.channels[0].sent == []
    made.outbox.deliver(made.book, made.now + LEASE_SECONDS)
    assert made.channels[0].kinds_sent == ["trigger"]


def test_two_watchers_do_not_send_the_same_message():
    made = world()
    with made.book.writing() as page:
        assert len(page.claim(made.now, LEASE_SECONDS, "chat")) == 1
    with made.book.writing() as page:
        assert page.claim(made.now, LEASE_SECONDS, "chat") == []


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


def incidents(made: World, *names: str) -> None:
    """One incident each, in one go."""
    for name in names:
        made.values[name] = 1.0
        made.now += 601.0
        made.decide()


def test_a_channel_is_sent_no_more_than_its_rate_and_the_rest_later():
    chat = Recorded(rate=(2, 10.0))
    made = World(*(rule(name) for name in "ABC"), channels=[chat])
    incidents(made, "A", "B", "C")
    made.outbox.deliver(made.book, made.now)
    assert len(chat.sent) == 2
    made.outbox.deliver(made.book, made.now + 4.9)
    assert len(chat.sent) == 2
    made.outbox.deliver(made.book, made.now + 5)
    assert len(chat.sent) == 3


def test_one_that_says_too_many_is_left_alone_with_everything():
    chat = Recorded(failures=[DeliveryError("429", retry_after=30)])
    made = World(rule("A"), rule("B"), channels=[chat])
    incidents(made, "A", "B")
    made.outbox.deliver(made.book, made.now)
    made.outbox.deliver(made.book, made.now + 29.9)
    assert chat.sent == []
    made.outbox.deliver(made.book, made.now + 30)
    assert chat.kinds_sent == ["trigger", "trigger"]


class Digesting(Recorded):
    """Can say several things at once."""

    digests = True

    def send_digest(self, notices):
        if self.failures:
            raise self.failures.pop(0)
        self.digested.append([str(notice.kind) for notice in notices])

    digested: list[list[str]] = []


@pytest.fixture
def mail():
    Digesting.digested.clear()
    return Digesting(rate=(2, 120.0))


def test_what_a_storm_holds_up_is_one_digest_and_nothing_is_lost(mail):
    made = World(*(rule(name) for name in "ABCDE"), channels=[mail])
    incidents(made, *"ABCDE")
    made.outbox.deliver(made.book, made.now)
    assert [notice.title for notice in mail.sent] == ["A is at 1"]
    assert mail.digested == [["trigger"] * 4]
    assert states(made) == [SENT] * 5
    assert made.timeline[-1] == ("sent", "chat: trigger in a digest of 4")


def test_a_digest_keeps_the_order_of_an_incident(mail):
    made = World(rule("A"), rule("B"), channels=[mail])
    incidents(made, "A")
    made.outbox.deliver(made.book, made.now)
    made.values["B"] = 1.0
    made.now += 10
    made.decide()
    made.values.update(A=0.0, B=0.0)
    made.now += 10
    made.decide()
    made.outbox.deliver(made.book, made.now)
    assert mail.digested == [["update", "resolve"]]


def test_a_digest_that_fails_is_sent_again(mail):
    made = World(*(rule(name) for name in "ABC"), channels=[mail])
    incidents(made, *"ABC")
    mail.failures.append(DeliveryError("451", retry_after=1))
    made.outbox.deliver(made.book, made.now)
    assert states(made) == [PENDING] * 3
    for _ in range(4):
        made.now += 60
        made.outbox.deliver(made.book, made.now)
    assert states(made) == [SENT] * 3


def test_of_several_receivers_those_that_have_it_are_written_down():
    made = world(DeliveryError("1 of 2: 503", told=["abc"], retry_after=1))
    made.outbox.deliver(made.book, made.now)
    made.outbox.deliver(made.book, made.now + 1)
    assert [notice.told for notice in made.channels[0].sent] == [("abc",)]


def test_what_some_receivers_refuse_for_good_is_sent_and_says_so():
    made = world(DeliveryError("1 of 2: 550", told=["abc"], permanent=True))
    made.outbox.deliver(made.book, made.now)
    assert states(made) == [SENT]
    assert made.timeline[-1] == (
        "sent to some",
        "chat: trigger: 1 of 2: 550; the rest is given up",
    )


def test_what_was_sent_while_the_store_was_gone_is_not_sent_again(monkeypatch):
    made = world()
    mark = made.outbox._mark
    monkeypatch.setattr(made.outbox, "_mark", lambda *given: None)
    made.outbox.deliver(made.book, made.now)
    monkeypatch.setattr(made.outbox, "_mark", mark)
    made.outbox.deliver(made.book, made.now + LEASE_SECONDS)
    assert made.channels[0].kinds_sent == ["trigger"]
    assert states(made) == [SENT]


def test_a_channel_that_hangs_holds_up_no_other():
    over = threading.Event()

    class Hanging(Recorded):
        def send(self, notice):
            over.wait(30)
            super().send(notice)

    made = World(channels=[Hanging(name="slow"), Recorded(name="fast")])
    made.values["Broken"] = 1.0
    made.decide()
    begun = made.outbox.start(made.book, lambda: made.now)
    wait_until(lambda: len(made.channels[1].sent) == 1, 20, "the other channel told")
    assert made.outbox.start(made.book, lambda: made.now) == []
    over.set()
    assert [state for each in begun for _, error in each.result() for state in [error]] == [
        None, None,
    ]  # fmt: skip


def test_of_a_hundred_vain_tries_the_timeline_has_the_first_and_what_changes():
    failures = [DeliveryError("503", retry_after=5)] * 3
    failures += [DeliveryError("429", retry_after=5)] * 2
    chat = Recorded(failures=failures)
    made = World(channels=[chat])
    made.tick(Broken=1)
    for _ in range(6):
        made.tick(5)
    told = [(kind, text) for kind, text in made.timeline if text.startswith("chat: ")]
    assert told == [
        ("not sent", "chat: trigger: 503; again in 5 s"),
        ("not sent", "chat: trigger: 429; again in 5 s"),
        ("sent", "chat: trigger"),
    ]
