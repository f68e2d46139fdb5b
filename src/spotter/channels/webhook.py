"""A signed POST of the notice as JSON, to whatever understands it."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import time
from collections.abc import Mapping

from spotter.channels import http
from spotter.channels.channel import Channel
from spotter.channels.notice import Kind, Notice


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Webhook(Channel):
    """
    Every notice, acknowledgements included.

    With a `secret` each request has `X-Spotter-Signature: t=<Unix seconds>,v1=<hex>`,
    the HMAC-SHA256 of `<seconds>.<body>`: refuse what is older than five minutes.
    `Idempotency-Key` is the same when a message is sent twice.
    """

    name: str = "webhook"
    url: str = dataclasses.field(default="", repr=False)
    secret: str = dataclasses.field(default="", repr=False)
    kinds = frozenset(Kind)

    def send(self, notice: Notice) -> None:
        key = f"{notice.dedup_key}-{notice.incident}-{notice.kind}-{notice.at:.3f}"
        http.post(
            self.url,
            {"version": 1, **notice.as_dict(), "text": notice.text()},
            headers={"Idempotency-Key": key},
            sign=self._signature if self.secret else None,
        )

    def _signature(self, body: bytes) -> Mapping[str, str]:
        return {"X-Spotter-Signature": signature(self.secret, body, int(time.time()))}

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        return [] if self.url else ["it has no address: Webhook(url=…)"]


def signature(secret: str, body: bytes, at: int) -> str:
    """The header's value for a body and a time in Unix seconds."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"
