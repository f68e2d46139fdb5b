"""E-mail against a server that defers, refuses, hangs and hangs up at every step."""

from __future__ import annotations

import threading
from email import message_from_string, policy

import pytest
from django.core.mail.backends.base import BaseEmailBackend

from spotter.alerts import outbox
from spotter.alerts.records import FAILED, PENDING, SENT
from spotter.channels import DeliveryError, Email
from spotter.channels import email as module
from spotter.channels.deadline import Deadline
from tests.alerts.kit import World, rule
from tests.channels.notices import notice
from tests.channels.smtp import STEPS, mail_server

SMTP = "django.core.mail.backends.smtp.EmailBackend"
A, B, C = "ann@example.com", "bob@example.com", "cy@example.com"
CHANNEL = Email(to=[A], backend=SMTP, group_seconds=0)


@pytest.fixture
def server(settings, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.3)
    with mail_server() as mail:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mail.port
        yield mail


def told(channel: Email = CHANNEL) -> tuple[str, str]:
    """State and error of one message that went through the outbox."""
    world = World(channels=[channel])
    world.tick(Broken=1)
    with world.book.reading() as page:
        (row,) = page.deliveries()
    return row.state, row.error


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("code", [421, 450, 451, 452])
def test_a_deferral_at_any_step_is_tried_again(server, step, code):
    server.replies[step] = f"{code} later"
    state, error = told()
    assert state == PENDING
    assert str(code) in error


@pytest.mark.parametrize("step", STEPS[1:])
@pytest.mark.parametrize("code", [550, 552, 554])
def test_a_refusal_of_the_message_is_given_up(server, step, code):
    server.replies[step] = f"{code} no"
    state, error = told()
    assert state == FAILED
    assert str(code) in error


def test_a_refusal_to_serve_says_nothing_of_the_message_and_is_tried_again(server):
    server.replies["connect"] = "554 no service for you"
    assert told() == (PENDING, "no service: SMTP 554")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", ["hang", "cut"])
def test_a_server_that_hangs_or_hangs_up_at_any_step_is_tried_again(
    server, step, fault
):
    server.replies[step] = fault
    state, error = told()
    assert state == PENDING
    assert error.startswith(("no answer: ", "no service: "))


def test_a_refused_log_in_shuts_the_channel_and_a_changed_password_opens_it(
    server, settings
):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "spotter", "wrong-password"
    server.replies["EHLO"] = "250-hi\r\n250 AUTH PLAIN"
    server.replies["AUTH"] = "535 no"
    world = World(channels=[CHANNEL])
    world.tick(Broken=1)
    with world.book.reading() as page:
        assert page.shut_channels()["email"].reason == "log-in refused: SMTP 535"
    server.replies["AUTH"] = "235 welcome"
    settings.EMAIL_HOST_PASSWORD = "right-password"
    world.tick(1)
    assert [to for to, _ in server.taken] == [[A]]


def test_a_log_in_that_is_refused_for_now_shuts_nothing(server, settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "spotter", "password"
    server.replies["EHLO"] = "250-hi\r\n250 AUTH PLAIN"
    server.replies["AUTH"] = "454 later"
    assert told() == (PENDING, "log-in refused: SMTP 454")


def test_a_message_to_nobody_is_not_called_sent(server):
    channel = Email(backend=SMTP, group_seconds=0)
    assert told(channel) == (FAILED, "it has no receiver")


def test_each_recipient_gets_a_copy_of_its_own_and_sees_no_other(server):
    Email(to=[A, B], backend=SMTP).send(notice())
    assert [to for to, _ in server.taken] == [[A], [B]]
    assert B not in server.taken[0][1]


def test_those_who_have_it_are_not_sent_it_again(server):
    server.refused, server.replies["RCPT"] = {B}, "451 later"
    world = World(channels=[Email(to=[A, B, C], backend=SMTP, group_seconds=0)])
    world.tick(Broken=1)
    assert world.timeline[-1][1].startswith(
        "email: trigger: 1 of 3: recipient refused: SMTP 451; again in "
    )
    server.refused, server.replies = set(), {}
    world.tick(6)
    assert [to for to, _ in server.taken] == [[A], [C], [B]]
    assert world.decisions()[0][2] == SENT


def test_an_address_that_is_refused_for_good_takes_nothing_from_the_others(server):
    server.refused, server.replies["RCPT"] = {B}, "550 no such user"
    channel = Email(to=[A, B], backend=SMTP, group_seconds=0)
    assert told(channel) == (SENT, "1 of 2: recipient refused: SMTP 550")


def test_no_address_is_in_what_is_written_down(server, caplog):
    server.replies["RCPT"] = f"550 <{A}> is no user"
    world = World(channels=[CHANNEL])
    world.tick(Broken=1)
    with world.book.reading() as page:
        rows = str(page.deliveries()) + str(page.events(1))
    assert "ann@" not in rows + caplog.text


def test_a_time_out_of_the_projects_own_is_kept_when_it_is_shorter(server, settings):
    settings.EMAIL_TIMEOUT = 0.1
    assert CHANNEL._connection().timeout == 0.1
    settings.EMAIL_TIMEOUT = 100
    assert CHANNEL._connection().timeout == 0.3


class Endless(BaseEmailBackend):
    """A backend that knows no time-out."""

    over = threading.Event()

    def send_messages(self, messages):
        self.over.wait(60)
        return len(messages)


def test_a_backend_without_a_time_out_is_given_up_too(monkeypatch):
    monkeypatch.setattr(outbox, "Deadline", lambda: Deadline(0.2))
    backend = f"{__name__}.Endless"
    assert told(Email(to=[A], backend=backend, group_seconds=0)) == (
        PENDING, "no answer within 0.2 s",
    )  # fmt: skip
    Endless.over.set()


class Provider(BaseEmailBackend):
    """A provider's API behind a backend, as Anymail's are: its errors have a status."""

    status = 401

    def send_messages(self, messages):
        error = OSError("https://api.example/secret")
        error.status_code = self.status  # type: ignore[attr-defined]
        raise error


@pytest.mark.parametrize(
    ("status", "permanent", "shut"),
    [(401, True, True), (400, True, False), (503, False, False)],
)
def test_a_providers_answer_means_what_its_status_says(
    monkeypatch, status, permanent, shut
):
    monkeypatch.setattr(Provider, "status", status)
    with pytest.raises(DeliveryError) as caught:
        Email(to=[A], backend=f"{__name__}.Provider").send(notice())
    assert (caught.value.permanent, caught.value.shut) == (permanent, shut)
    assert str(caught.value) == f"answered {status}"


def test_a_storm_is_nine_messages_and_a_digest_of_the_rest_and_all_are_sent(server):
    names = [f"R{number}" for number in range(25)]
    world = World(
        *(rule(name) for name in names),
        channels=[Email(to=[A], backend=SMTP, group_seconds=0)],
    )
    for name in names:
        world.now += 601.0
        world.values[name] = 1.0
        world.decide()
    world.outbox.deliver(world.book, world.now)
    assert len(server.taken) == 10
    subject = message_from_string(server.taken[-1][1], policy=policy.default)["Subject"]
    assert subject.strip().startswith("16 messages of 16 incidents")
    assert {state for _, _, state, _ in world.decisions()} == {SENT}


def test_a_digest_has_all_that_was_held_up(server):
    channel = Email(to=[A], backend=SMTP)
    notices = [notice(incident=n, title=f"trouble {n}") for n in range(30)]
    channel.send_digest(notices)
    ((_, text),) = server.taken
    subject = message_from_string(text, policy=policy.default)["Subject"]
    assert subject.strip() == "30 messages of 30 incidents — Shop (production)"
    assert all(f"trouble {n} " in text for n in range(30))


def test_a_digest_leaves_out_what_a_recipient_has(server):
    server.refused, server.replies["RCPT"] = {B}, "451 later"
    channel = Email(to=[A, B], backend=SMTP)
    with pytest.raises(DeliveryError) as caught:
        channel.send(notice(incident=1, title="first"))
    server.refused, server.replies = set(), {}
    server.taken.clear()
    channel.send_digest(
        [
            notice(incident=1, title="first", told=caught.value.told),
            notice(title="second"),
        ]
    )
    texts = {to[0]: text for to, text in server.taken}
    assert "first" not in texts[A]
    assert "first" in texts[B]
