"""Slack's incoming webhooks: blocks within Slack's limits."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from spotter.channels import http
from spotter.channels.channel import Channel, DeliveryError
from spotter.channels.notice import Notice

# https://docs.slack.dev/reference/block-kit/blocks
HEADER, SECTION, FIELD, FIELDS = 150, 3000, 2000, 10
#: What is left of `&amp;` when a text is cut in it.
PARTIAL = re.compile(r"&[a-z]{0,3}…$")

#: Refusals, with 400, of the address and not of the message.
DEAD = ("invalid_token", "user_not_found", "channel_not_found", "no_team")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Slack(Channel):
    """
    One message a notice; the channel is the one that the webhook was made for.

    Args:
        url: the webhook's address, which is a secret: take it from the environment.
    """

    name: str = "slack"
    url: str = dataclasses.field(default="", repr=False)
    # https://docs.slack.dev/apis/web-api/rate-limits#incoming-webhooks-rate
    rate: tuple[int, float] = (1, 1.0)

    def send(self, notice: Notice) -> None:
        try:
            http.post(
                self.url, message(notice), accept=lambda status, text: status == 200
            )
        except DeliveryError as error:
            if any(word in str(error) for word in DEAD):
                raise DeliveryError(str(error), shut=True) from error
            raise

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        return [] if self.url else ["it has no webhook address: Slack(url=…)"]


def message(notice: Notice) -> dict[str, Any]:
    """The body: a text for notifications and blocks to read."""
    icon = (
        "✅"
        if notice.is_end
        else {"critical": "🔴", "warning": "🟠"}.get(notice.severity, "🔵")
    )
    lines = "\n".join(f"• {escaped(line)}" for line in notice.lines)
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {
                "type": "plain_text",
                "text": cut(f"{icon} {notice.headline}", HEADER),
            },
        },
        section(f"{escaped(notice.times)}\n{lines}"),
    ]
    if notice.evidence and not notice.is_end:
        fields = [
            {
                "type": "mrkdwn",
                "text": cut_escaped(
                    f"*{escaped(cut(name, 100))}*\n{escaped(value)}", FIELD
                ),
            }
            for name, value in notice.evidence[:FIELDS]
        ]
        blocks.append({"type": "section", "fields": fields})
    if notice.links:
        # A link that is cut is none: so many fit.
        links = [
            f"<{escaped(address)}|{escaped(name)}>"
            for name, address in notice.links[:8]
        ]
        blocks.append(section(" · ".join(links)))
    reason = {
        "type": "mrkdwn",
        "text": cut_escaped(f"Sent because: {escaped(notice.reason)}.", FIELD),
    }
    blocks.append({"type": "context", "elements": [reason]})
    return {
        "text": cut_escaped(f"{icon} {escaped(notice.headline)}", SECTION),
        "blocks": blocks,
    }


def section(text: str) -> dict[str, Any]:
    """A paragraph."""
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": cut_escaped(text, SECTION)},
    }


def cut(text: str, limit: int) -> str:
    """At most so many characters; too many are an error 400 to Slack."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def cut_escaped(text: str, limit: int) -> str:
    """The same, and never in the middle of an escape."""
    short = cut(text, limit)
    return short if short == text else PARTIAL.sub("…", short)


def escaped(text: str) -> str:
    """The three characters that Slack takes for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
