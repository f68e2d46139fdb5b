"""One POST with time-outs, and what its answer means for a delivery."""

from __future__ import annotations

import email.utils
import functools
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import urllib3

from spotter.channels.channel import DeliveryError
from spotter.channels.quiet import quiet
from spotter.privacy import scrub_text

TIMEOUT = urllib3.Timeout(connect=4, read=8, total=10)
#: The longest wait that a receiver's `Retry-After` is believed, and the wait for one
#: that says "too many" and not how long: PagerDuty's advice.
MAX_WAIT_SECONDS, BUSY_SECONDS = 3600.0, 30.0
#: Of an answer, so much is read.
ANSWER_BYTES = 2000

_pool = urllib3.PoolManager(num_pools=8, maxsize=2, retries=False, timeout=TIMEOUT)


def pool_for(url: str) -> urllib3.PoolManager:
    """What asks for an address: through HTTPS_PROXY where NO_PROXY does not spare it."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("it needs http:// or https://")
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.netloc):
        return _pool
    return through(proxy)


@functools.lru_cache(maxsize=4)
def through(proxy: str) -> urllib3.PoolManager:
    """A pool behind a proxy."""
    return urllib3.ProxyManager(proxy, retries=False, timeout=TIMEOUT)


def post(
    url: str,
    body: Any,
    *,
    headers: Mapping[str, str] | None = None,
    sign: Callable[[bytes], Mapping[str, str]] | None = None,
    accept: Callable[[int, str], bool] = lambda status, text: 200 <= status < 300,
    wait: Callable[[Mapping[str, str]], float | None] = lambda headers: None,
) -> str:
    """
    Send JSON, or bytes as they are, and give the answer's text.

    Args:
        wait: seconds that a header of the receiver's own asks to wait.

    Raises:
        DeliveryError: permanent for what a repetition cannot mend (4xx but 408, 425
            and 429), with the wait that `Retry-After` asks for.
    """
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    sent = {
        "Content-Type": "application/json",
        "User-Agent": "spotter",
        **(headers or {}),
    }
    if sign is not None:
        sent |= sign(data)
    status, got, text = exchange(url, data, sent)
    if accept(status, text):
        return text
    raise refusal(
        status, text, wait(got) or wait_of(got.get("Retry-After"), time.time())
    )


def exchange(
    url: str, data: bytes, headers: Mapping[str, str]
) -> tuple[int, Mapping[str, str], str]:
    """Post, and give status, headers and the beginning of the text."""
    try:
        with quiet():
            answer = pool_for(url).request(
                "POST", url, body=data, headers=headers, redirect=False,
                preload_content=False,
            )  # fmt: skip
    except (urllib3.exceptions.LocationValueError, ValueError) as error:
        raise DeliveryError("the address is no URL", permanent=True) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        # The text would name the address, which for Slack is the secret itself.
        raise DeliveryError(f"no answer: {type(error).__name__}") from error
    return answer.status, answer.headers, beginning(answer)


def beginning(answer: urllib3.BaseHTTPResponse) -> str:
    """The first of the text; "" when it does not come: the status says enough."""
    try:
        return answer.read(ANSWER_BYTES).decode("utf-8", "replace")
    except (urllib3.exceptions.HTTPError, OSError):
        return ""
    finally:
        # Not back into the pool: more of the body may come.
        answer.close()


def refusal(status: int, text: str, wait: float | None) -> DeliveryError:
    """What an answer that is none of the wanted means."""
    shown = " ".join(scrub_text(text).split())[:120]
    if status == 429 and wait is None:
        wait = BUSY_SECONDS
    return DeliveryError(
        f"answered {status}{f': {shown}' if shown else ''}",
        permanent=is_permanent(status),
        shut=is_dead(status),
        retry_after=wait,
    )


def is_permanent(status: int) -> bool:
    """Whether the same message will be refused again."""
    return 300 <= status < 500 and status not in (408, 425, 429)


def is_dead(status: int) -> bool:
    """Whether every message will be: the key is revoked, the address is gone."""
    return status in (401, 403, 404, 410)


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
