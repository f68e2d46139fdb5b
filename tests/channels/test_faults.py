"""Every channel against every fault: tried again or not, when, and what it says."""

from __future__ import annotations

import dataclasses
import email.utils
import logging
import sqlite3
import time
from collections.abc import Callable

import pytest
import urllib3

from spotter.alerts.book import Book
from spotter.alerts.records import FAILED, PENDING, SENT, SHUT_SECONDS
from spotter.channels import Apprise, Channel, PagerDuty, Sentry, Slack, Webhook
from spotter.channels import http as transport
from spotter.stores.sqlite import SqliteStore
from tests.alerts.kit import World
from tests.channels.receiver import Answer, Receiver, receiving
from tests.servers.processes import free_port

# Apprise imports a module of the standard library that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")

KEY = "c0ffee" * 5 + "42"
SECRETS = {
    "slack": ("secret-path",),
    "pagerduty": (KEY,),
    "webhook": ("secret-path", "s3cret-of-the-hook"),
    "sentry": ("secret-path", KEY),
    "apprise": ("secret-path",),
}


def apprise(url: str) -> Channel:
    """Apprise's JSON, with short time-outs; it calls TLS `jsons`."""
    scheme, _, rest = url.partition("://")
    service = {"http": "json", "https": "jsons"}[scheme]
    return Apprise(urls=[f"{service}://{rest}/?cto=0.3&rto=0.3"], group_seconds=0)


def sentry(url: str) -> Channel:
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    return Sentry(dsn=f"{scheme}://{KEY}@{host}/secret-path/7", group_seconds=0)


CHANNELS: dict[str, Callable[[str], Channel]] = {
    "slack": lambda url: Slack(url=url, group_seconds=0),
    "pagerduty": lambda url: PagerDuty(routing_key=KEY, url=url, group_seconds=0),
    "webhook": lambda url: Webhook(
        url=url, secret="s3cret-of-the-hook", group_seconds=0
    ),
    "sentry": sentry,
    "apprise": apprise,
}


@dataclasses.dataclass(frozen=True)
class Fault:
    """
    What a receiver does, and what must become of the message.

    Args:
        seconds: when it is tried again, at least and at most.
        says: what the error is.
    """

    answer: object
    state: str
    says: str
    seconds: tuple[float, float] = (0.0, 0.0)


SOON = (2.5, 5.0)
KEPT = (SHUT_SECONDS, SHUT_SECONDS)


def answered(status: int, state: str, seconds=(0.0, 0.0), **headers: str) -> Fault:
    """An answer, that repeats the secrets, as careless ones do."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(
        (status, given, "no, not "), state, f"answered {status}: no, not", seconds
    )


FAULTS = {
    "400": answered(400, FAILED),
    "401": answered(401, PENDING, KEPT),
    "403": answered(403, PENDING, KEPT),
    "404": answered(404, PENDING, KEPT),
    "408": answered(408, PENDING, SOON),
    "410": answered(410, PENDING, KEPT),
    "413": answered(413, FAILED),
    "429 with seconds": answered(429, PENDING, (7, 7), Retry_After="7"),
    "429 with a date": answered(429, PENDING, (80, 101), Retry_After="in 100 s"),
    "429 alone": answered(429, PENDING, (30, 30)),
    "500": answered(500, PENDING, SOON),
    "503": answered(503, PENDING, SOON),
    "503 with seconds": answered(503, PENDING, (9, 9), Retry_After="9"),
    "redirect": answered(302, FAILED, Location="http://127.0.0.1:9/"),
    "hang": Fault("hang", PENDING, "no answer: ReadTimeoutError", SOON),
    "cut": Fault("cut", PENDING, "no answer: ProtocolError", SOON),
    "refused": Fault("refused", PENDING, "no answer: NewConnectionError", SOON),
    "no such name": Fault(
        "no such name", PENDING, "no answer: NameResolutionError", SOON
    ),
    "wrong certificate": Fault("tls", PENDING, "no answer: SSLError", SOON),
}
#: Apprise says whether, and not why not: nothing is known to be hopeless.
NOT_DELIVERED = Fault(None, PENDING, "json: not delivered", SOON)


class Delivery:
    """One message through the real outbox into a store's file."""

    def __init__(self, channel: Channel, folder) -> None:
        self.path = folder / "spotter.db"
        self.world = World(channels=[channel], book=Book(SqliteStore(self.path)))
        self.world.tick(Broken=1)
        with self.world.book.reading() as page:
            (self.row,) = page.deliveries()
            self.events = [e.text for e in page.events(1)]

    @property
    def wait(self) -> float:
        return self.row.due_at - self.world.now

    def dump(self) -> str:
        """All that the store holds."""
        self.world.book.store.close()
        with sqlite3.connect(self.path) as connection:
            text = "\n".join(connection.iterdump())
        connection.close()
        return text


@pytest.fixture(autouse=True)
def impatient(monkeypatch, request):
    """Wait for nobody who hangs, and for all others however busy the machine is."""
    hangs = "hang" in request.node.name or "stops_in_the_middle" in request.node.name
    timeout = urllib3.Timeout(read=0.3 if hangs else 20)
    pool = urllib3.PoolManager(retries=False, timeout=timeout)
    monkeypatch.setattr(transport, "_pool", pool)
    yield
    pool.clear()


def deliver(name: str, answer: object, folder) -> tuple[Delivery, Receiver]:
    """Send one message to a receiver that answers so."""
    with receiving(tls=answer == "tls") as receiver:
        if isinstance(answer, tuple):
            status, headers, text = answer
            if headers.get("Retry-After", "").startswith("in"):
                at = email.utils.formatdate(time.time() + 100, usegmt=True)
                headers = {"Retry-After": at}
            answer = (status, headers, text + " or ".join(SECRETS[name]))
        receiver.usual = answer  # type: ignore[assignment]
        url = receiver.url
        if answer == "refused":
            url = url.replace(str(receiver.port), str(free_port()))
        if answer == "no such name":
            url = url.replace("127.0.0.1", "nowhere.invalid")
        return Delivery(CHANNELS[name](url), folder), receiver


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("case", FAULTS)
def test_what_becomes_of_a_message(name, case, tmp_path, caplog):
    """It is kept, given up or told to wait, the timeline says so, and no secret is out."""
    caplog.set_level(logging.DEBUG)
    fault = FAULTS[case]
    sent, _ = deliver(name, fault.answer, tmp_path)
    if name == "apprise":
        says = "jsons: not delivered" if fault.answer == "tls" else NOT_DELIVERED.says
        fault = dataclasses.replace(NOT_DELIVERED, says=says)
    assert sent.row.state == fault.state
    assert sent.row.error.startswith(fault.says)
    if fault.state == PENDING:
        assert fault.seconds[0] <= sent.wait <= fault.seconds[1]
    then = {
        FAILED: "; given up",
        PENDING: "; kept" if fault.seconds == KEPT else "; again in",
    }
    (event,) = [text for text in sent.events if text.startswith(f"{name}: trigger: ")]
    assert then[fault.state] in event
    for secret in SECRETS[name]:
        assert secret not in caplog.text + sent.dump()


@pytest.mark.parametrize("name", ["slack", "webhook", "sentry"])
def test_an_answer_that_stops_in_the_middle_has_said_enough(name, tmp_path):
    sent, receiver = deliver(name, "hang in body", tmp_path)
    assert (sent.row.state, len(receiver.bodies)) == (SENT, 1)


@pytest.mark.parametrize("name", CHANNELS)
def test_what_was_cut_off_after_it_arrived_is_sent_once_more_and_not_again(
    name, tmp_path
):
    usual: Answer = (202 if name == "pagerduty" else 200, {}, "ok")
    with receiving(usual=usual) as receiver:
        receiver.script = ["cut"]
        sent = Delivery(CHANNELS[name](receiver.url), tmp_path)
        for _ in range(4):
            sent.world.outbox.deliver(sent.world.book, sent.world.now + 5)
    assert len(receiver.bodies) == 2


def test_a_redirect_is_not_followed_with_the_message(tmp_path):
    with receiving() as other:
        for name in CHANNELS:
            (tmp_path / name).mkdir()
            deliver(name, (302, {"Location": other.url}, ""), tmp_path / name)
    assert other.bodies == []
