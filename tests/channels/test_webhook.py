"""Webhooks: signed, not to be played again, with a secret that can be replaced."""

from __future__ import annotations

import pathlib
import re
import time
from typing import Any

import orjson
import pytest

from spotter.channels import Kind, Webhook
from spotter.channels.webhook import HEADER, is_genuine, signature
from tests.channels.notices import notice
from tests.channels.receiver import receiving

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "reference" / "alerting.md"
BODY = b'{"version": 1}'


def sent(**options) -> tuple[str, bytes]:
    """The signature and the body of one message."""
    with receiving() as receiver:
        Webhook(url=receiver.url, **options).send(notice())
    return receiver.headers[0].get(HEADER, ""), receiver.raw[0]


def test_a_receiver_that_knows_the_secret_knows_that_it_is_genuine():
    header, body = sent(secret="s3cret")
    assert is_genuine(header, body, "s3cret")


@pytest.mark.parametrize(
    ("header", "body", "secret"),
    [
        (None, BODY, "another"),
        (None, BODY + b" ", "s3cret"),
        ("", BODY, "s3cret"),
        ("t=1000", BODY, "s3cret"),
        ("t=now,v1=abc", BODY, "s3cret"),
        ("t=1000,v1=ä", BODY, "s3cret"),
        ("v1=abc", BODY, "s3cret"),
    ],
)
def test_what_was_not_signed_so_is_not_genuine(header, body, secret):
    given = signature(["s3cret"], BODY, 1000) if header is None else header
    assert not is_genuine(given, body, secret, now=1000.0)


@pytest.mark.parametrize(
    ("now", "genuine"), [(699, False), (700, True), (1300, True), (1301, False)]
)
def test_what_is_older_than_five_minutes_is_not_taken_again(now, genuine):
    header = signature(["s3cret"], BODY, 1000)
    assert is_genuine(header, BODY, "s3cret", now=float(now)) is genuine


def test_the_time_is_signed_too():
    header = signature(["s3cret"], BODY, 1000).replace("t=1000", "t=2000")
    assert not is_genuine(header, BODY, "s3cret", now=2000.0)


def test_while_a_secret_is_replaced_receivers_may_know_either():
    header, body = sent(secret="new", previous_secret="old")
    assert is_genuine(header, body, "new")
    assert is_genuine(header, body, "old")
    assert not is_genuine(header, body, "older")


def test_without_a_secret_nothing_is_signed():
    header, _ = sent(previous_secret="old")
    assert header == ""


def test_a_repetition_has_the_same_key_and_another_message_has_not():
    with receiving() as receiver:
        channel = Webhook(url=receiver.url)
        for each in (notice(), notice(), notice(Kind.RESOLVE), notice(incident=8)):
            channel.send(each)
    keys = [headers["Idempotency-Key"] for headers in receiver.headers]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_the_body_has_what_the_reference_says_and_no_more():
    _, body = sent()
    documented = set(
        re.findall(r"^\| `(\w+)` \|", section("### Webhook"), re.MULTILINE)
    )
    assert set(orjson.loads(body)) == documented


def test_the_snippet_of_the_reference_tells_genuine_from_forged():
    (snippet,) = re.findall(r"```python\n(.*?)```", section("### Webhook"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 (our own documentation)
    header = signature(["new", "old"], BODY, int(time.time()))
    assert names["is_genuine"](header, BODY, "old")
    assert not names["is_genuine"](header, BODY, "older")
    stale = signature(["old"], BODY, int(time.time()) - 301)
    assert not names["is_genuine"](stale, BODY, "old")


def section(title: str) -> str:
    """A part of the reference."""
    text = DOCUMENT.read_text()
    return text[text.index(title) :].partition("\n### ")[0]
