"""Ask a provider whether it accepts our credentials, in a way that bills nothing."""

from __future__ import annotations

from collections.abc import Mapping

import urllib3

from spotter.health.check import Degraded, Report, Status, Unhealthy

TIMEOUT = urllib3.Timeout(connect=2.0, read=3.0)


def verify(provider: str, url: str, headers: Mapping[str, str]) -> Report:
    """
    Get the URL once and read its status only.

    Raises:
        Unhealthy: the credentials are refused, which is ours to mend.
        Degraded: the provider fails or cannot be reached, which is theirs.
    """
    try:
        with urllib3.PoolManager() as pool:
            response = pool.request(
                "GET",
                url,
                headers=headers,
                timeout=TIMEOUT,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            response.close()
    except urllib3.exceptions.HTTPError as error:
        raise Degraded(f"{provider} cannot be reached", repr(error)) from error
    return judge(provider, response.status)


def judge(provider: str, status: int) -> Report:
    """What a status says of our credentials."""
    if status in (401, 403):
        raise Unhealthy(f"{provider} refuses the credentials", f"HTTP {status}")
    if status == 429:
        # It knows us well enough to count us.
        return Report(
            Status.CONFIGURED, f"{provider} credentials present, rate limited"
        )
    if not 200 <= status < 300:
        raise Degraded(f"{provider} does not work", f"HTTP {status}")
    return Report(Status.CONFIGURED, f"{provider} credentials accepted")
