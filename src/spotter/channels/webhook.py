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

HEADER = "X-Spotter-Signature"
#: How old a signature may be: what is older may be a recording that is played again.
WINDOW_SECONDS = 300.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Webhook(Channel):
    """
    Every notice, acknowledgements included; docs/reference/alerting.md has the body.

    With a `secret` each request has `X-Spotter-Signature: t=<Unix seconds>,v1=<hex>`,
    the HMAC-SHA256 of `<seconds>.<body>`; with a `previous_secret` a second `v1`, until
    every receiver knows the new one. `is_genuine` checks it. `Idempotency-Key` is the
    same when a message is sent twice.
    """

    name: str = "webhook"
    url: str = dataclasses.field(default="", repr=False)
    secret: str = dataclasses.field(default="", repr=False)
    previous_secret: str = dataclasses.field(default="", repr=False)
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
        secrets = [each for each in (self.secret, self.previous_secret) if each]
        return {HEADER: signature(secrets, body, int(time.time()))}

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        return [] if self.url else ["it has no address: Webhook(url=…)"]


def signature(secrets: list[str], body: bytes, at: int) -> str:
    """The header's value for a body and a time in Unix seconds."""
    signed = [f"v1={digest(secret, body, str(at))}" for secret in secrets]
    return ",".join([f"t={at}", *signed])


def digest(secret: str, body: bytes, at: str) -> str:
    """The HMAC-SHA256 of a time and a body."""
    return hmac.new(
        secret.encode(), f"{at}.".encode() + body, hashlib.sha256
    ).hexdigest()


def is_genuine(
    header: str, body: bytes, secret: str, *, now: float | None = None
) -> bool:
    """Whether a request was signed with the secret, within the last five minutes."""
    parts = [part.partition("=")[::2] for part in header.split(",")]
    at = next((value for name, value in parts if name == "t"), "")
    if not (at.isascii() and at.isdigit()):
        return False
    is_fresh = abs((time.time() if now is None else now) - int(at)) <= WINDOW_SECONDS
    expected = digest(secret, body, at)
    given = [value for name, value in parts if name == "v1"]
    return is_fresh and any(
        hmac.compare_digest(value.encode(), expected.encode()) for value in given
    )
