"""A hundred services more, through Apprise: an optional dependency."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

from spotter.channels.channel import Channel, DeliveryError, send_to_each
from spotter.channels.notice import Notice
from spotter.channels.quiet import quiet

MISSING = "apprise is not installed: pip install 'django-spotter[apprise]'"
#: Apprise can only trigger there, so that no incident would ever end.
REFUSED = {"pagerduty": "use spotter.channels.PagerDuty, which ends incidents too"}
TYPES = {"critical": "failure", "warning": "warning", "info": "info"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Apprise(Channel):
    """
    One message to each URL; when some fail, those alone are tried again.

    Args:
        urls: as https://github.com/caronc/apprise/wiki has them; secrets all of them.
    """

    name: str = "apprise"
    urls: Sequence[str] = dataclasses.field(default=(), repr=False)

    def send(self, notice: Notice) -> None:
        library()
        send_to_each(self.urls, notice.told, functools.partial(send_one, notice))

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        if not self.urls:
            return ["it has no URL: Apprise(urls=['ntfy://…'])"]
        if importlib.util.find_spec("apprise") is None:
            return [MISSING]
        return [f"{s}: {REFUSED[s]}" for s in map(scheme, self.urls) if s in REFUSED]


def send_one(notice: Notice, url: str) -> None:
    """Send to one URL; the error names nothing of it but the service."""
    service = scheme(url)
    if service in REFUSED:
        raise DeliveryError(f"{service}: {REFUSED[service]}", permanent=True)
    apprise = library()
    _, _, body = notice.text().split("\n", 2)
    kind = "success" if notice.is_end else TYPES.get(notice.severity, "info")
    try:
        with quiet():
            asset = apprise.AppriseAsset(async_mode=False, app_id="Spotter")
            box = apprise.Apprise(asset=asset)
            is_known = box.add(url)
            is_sent = is_known and box.notify(
                title=notice.headline, body=body, notify_type=kind, body_format="text"
            )
    except Exception as error:
        reason = f"{service}: Apprise failed: {type(error).__name__}"
        raise DeliveryError(reason) from error
    if not is_known:
        raise DeliveryError(f"{service}: no URL that Apprise knows", permanent=True)
    if not is_sent:
        # It does not say why: whether a repetition helps nobody knows.
        raise DeliveryError(f"{service}: not delivered")


def scheme(url: str) -> str:
    """The service's name: all of a URL that is no secret."""
    return url.partition(":")[0][:20].lower()


def library() -> Any:
    """Apprise, or how to get it; it logs while it is imported."""
    try:
        with quiet():
            import apprise
    except ImportError as error:
        raise DeliveryError(MISSING, permanent=True) from error
    return apprise
