"""One POST with time-outs, and what its answer means for a delivery."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import urllib3

from spotter.channels.channel import DeliveryError

TIMEOUT = urllib3.Timeout(connect=4, read=8, total=10)
#: The longest wait that a receiver's `Retry-After` is believed.
MAX_WAIT_SECONDS = 3600.0

_pool = urllib3.PoolManager(num_pools=8, maxsize=2, retries=False, timeout=TIMEOUT)


def post(
    url: str,
    body: Any,
    *,
    headers: Mapping[str, str] | None = None,
    sign: Callable[[bytes], Mapping[str, str]] | None = None,
    accept: Callable[[int, str], bool] = lambda status, text: 200 <= status < 300,
) -> str:
    """
    Send JSON and give the answer's text.

    Raises:
        DeliveryError: permanent for what a repetition cannot mend (4xx but 408, 425
            and 429), with the wait that `Retry-After` asks for.
    """
    data = orjson.dumps(body)
    sent = {
        "Content-Type": "application/json",
        "User-Agent": "spotter",
        **(headers or {}),
    }
    if sign is not None:
        sent |= sign(data)
    try:
        answer = _pool.request("POST", url, body=data, headers=sent, redirect=False)
    except urllib3.exceptions.LocationValueError as error:
        raise DeliveryError("the address is no URL", permanent=True) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        # The text would name the address, which for Slack is the secret itself.
        raise DeliveryError(f"no answer: {type(error).__name__}") from error
    text = answer.data[:2000].decode("utf-8", "replace")
    if accept(answer.status, text):
        return text
    shown = " ".join(text.split())[:120]
    raise DeliveryError(
        f"answered {answer.status}{f': {shown}' if shown else ''}",
        permanent=is_permanent(answer.status),
        retry_after=wait_of(answer.headers.get("Retry-After"), time.time()),
    )


def is_permanent(status: int) -> bool:
    """Whether the same message will be refused again."""
    return 300 <= status < 500 and status not in (408, 425, 429)


def wait_of(header: str | None, now: float) -> float | None:
    """Seconds that `Retry-After` asks to wait, in either of its forms (RFC 9110)."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), MAX_WAIT_SECONDS)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(max(0.0, at.timestamp() - now), MAX_WAIT_SECONDS)
