"""Slack: blocks that Slack takes, and what its refusals mean."""

from __future__ import annotations

import pytest
from slack_sdk.models.blocks import Block

from spotter.channels import DeliveryError, Kind, Notice, Slack
from spotter.channels.slack import message
from tests.channels.notices import notice
from tests.channels.receiver import receiving

LONG = "x" * 9000
GIVEN = {
    "usual": notice(),
    "resolve": notice(Kind.RESOLVE, resolved_at=1_764_065_800.0),
    "bare": notice(lines=(), evidence=(), links=(), reason=""),
    "too much": notice(
        title=LONG,
        lines=(LONG,) * 40,
        evidence=((LONG, LONG),) * 30,
        links=(("Incident", "https://shop.example/"),) * 40,
        reason=LONG,
    ),
    "much markup": notice(
        title="&" * 400, lines=("<" * 1500,) * 3, evidence=(("&", ">" * 1990),)
    ),
}


def texts(value: object) -> list[str]:
    """Every text of a block."""
    if isinstance(value, dict):
        found = [value["text"]] if isinstance(value.get("text"), str) else []
        return found + [t for each in value.values() for t in texts(each)]
    if isinstance(value, list):
        return [t for each in value for t in texts(each)]
    return []


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_slacks_own_library_takes_the_blocks(given: Notice):
    body = message(given)
    assert 0 < len(body["text"]) <= 40_000
    assert 0 < len(body["blocks"]) <= 50
    for block in body["blocks"]:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()
    # What the library does not check: docs.slack.dev/reference/block-kit.
    fields = [field for block in body["blocks"] for field in block.get("fields", ())]
    assert all(0 < len(field["text"]) <= 2000 for field in fields)
    assert all(0 < len(text) <= 3000 for text in texts(body["blocks"]))


def test_what_slack_takes_for_markup_is_escaped_everywhere():
    body = message(
        notice(
            title="<!channel> & <b>", lines=("<@U1>",), evidence=(("<a>", "<!here>"),)
        )
    )
    assert body["text"].startswith("🔴 [FIRING] &lt;!channel&gt; &amp; &lt;b&gt;")
    assert not any("<!" in t or "<@" in t for t in texts(body["blocks"][1:]))


def test_a_text_is_not_cut_in_the_middle_of_an_escape():
    body = message(notice(lines=("&" * 3000,)))
    text = body["blocks"][1]["text"]["text"]
    assert text.replace("&amp;", "").replace("&", "") == text.replace("&amp;", "")


def test_the_incident_and_the_runbooks_are_links():
    links = (
        ("Incident", "https://a.example/?id=1&x=2"),
        ("Runbook A", "https://b.example/a"),
    )
    body = message(notice(links=links))
    assert {"type": "mrkdwn", "text": (
        "<https://a.example/?id=1&amp;x=2|Incident> · <https://b.example/a|Runbook A>"
    )} in [block.get("text") for block in body["blocks"]]  # fmt: skip


# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
@pytest.mark.parametrize(
    ("status", "text", "shut"),
    [
        (400, "invalid_payload", False),
        (400, "no_text", False),
        (400, "invalid_token", True),
        (400, "user_not_found", True),
        (403, "action_prohibited", True),
        (404, "channel_not_found", True),
        (404, "no_service", True),
        (410, "channel_is_archived", True),
    ],
)
def test_a_refusal_of_the_address_shuts_the_channel_and_one_of_a_message_does_not(
    status, text, shut
):
    with (
        receiving(usual=(status, {}, text)) as receiver,
        pytest.raises(DeliveryError, match=text) as caught,
    ):
        Slack(url=receiver.url).send(notice())
    assert (caught.value.permanent, caught.value.shut) == (True, shut)


def test_a_failure_of_slacks_own_is_tried_again():
    with (
        receiving(usual=(500, {}, "rollup_error")) as receiver,
        pytest.raises(DeliveryError) as caught,
    ):
        Slack(url=receiver.url).send(notice())
    assert not caught.value.permanent
