"""E-mail through a real SMTP server that takes, defers, refuses and hangs."""

from __future__ import annotations

import contextlib
import email
import socket

import pytest
from aiosmtpd.controller import Controller
from django.core import mail

from spotter.channels import DeliveryError, Email, Kind
from spotter.channels import email as module
from tests.channels.notices import notice
from tests.servers.processes import free_port

SMTP = "django.core.mail.backends.smtp.EmailBackend"


class Inbox:
    """Answers as it is told."""

    def __init__(self) -> None:
        self.answer = "250 OK"
        self.messages: list[email.message.Message] = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        self.messages.append(email.message_from_bytes(envelope.content))
        return self.answer


@pytest.fixture
def inbox(settings):
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    yield handler
    controller.stop()


CHANNEL = Email(to=["ops@example.com"], backend=SMTP)


def test_the_messages_of_one_incident_are_one_thread(inbox):
    CHANNEL.send(notice())
    CHANNEL.send(notice(Kind.RESOLVE, resolved_at=1_764_065_000.0))
    first, last = inbox.messages
    assert last["References"] == last["In-Reply-To"] == first["Message-ID"]
    assert first["Auto-Submitted"] == "auto-generated"


def test_a_repeated_message_has_the_same_id(inbox):
    CHANNEL.send(notice(Kind.UPDATE))
    CHANNEL.send(notice(Kind.UPDATE))
    assert len({message["Message-ID"] for message in inbox.messages}) == 1


@pytest.mark.parametrize(
    ("answer", "permanent"), [("451 later", False), ("550 no such user", True)]
)
def test_a_refusal_is_permanent_and_a_deferral_is_not(inbox, answer, permanent):
    inbox.answer = answer
    with pytest.raises(DeliveryError) as caught:
        CHANNEL.send(notice())
    assert caught.value.permanent is permanent


def test_a_server_that_hangs_is_given_up_and_tried_again(settings, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.2)
    settings.EMAIL_TIMEOUT = None
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.getsockname()
        with pytest.raises(DeliveryError) as caught:
            CHANNEL.send(notice())
    assert not caught.value.permanent


def test_a_header_cannot_be_smuggled_in_by_a_title():
    Email(to=["ops@example.com"]).send(notice(title="a\r\nBcc: eve@example.com"))
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].recipients() == ["ops@example.com"]
