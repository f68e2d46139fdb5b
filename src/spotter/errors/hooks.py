"""
The six hooks by which something leaves for Sentry, each with the same scrubber.

Each has one slot, so a hook of the project's own is called first, from within ours.
"""

from __future__ import annotations

import functools
import logging
import urllib.parse
from collections.abc import Callable
from typing import Any

from sentry_sdk.attachments import Attachment

from spotter import conf
from spotter.errors.user import current_user_id
from spotter.privacy import FILTERED, scrub
from spotter.rescue import ignore, is_ignoring

Payload = dict[str, Any]
Hook = Callable[[Payload, Any], Payload | None]

logger = logging.getLogger("spotter")

# What the SDK itself wrote, names and versions, in which nothing private can be.
_OWN = (
    "type", "event_id", "timestamp", "start_timestamp", "platform", "level", "sdk",
    "modules", "release", "environment", "dist", "debug_meta", "transaction_info",
    "measurements", "_meta", "monitor_slug", "monitor_config", "check_in_id",
    "status", "duration",
)  # fmt: skip
_NO_ROUTE = "unmatched"


def attach(options: dict[str, Any]) -> None:
    """Put the scrubber behind every hook of a client's options, once."""
    experiments = options.get("_experiments") or {}
    for name, clean in _CLEANERS.items():
        own = options.get(name) or experiments.get(name)
        if not getattr(own, "scrubs", False):
            options[name] = _composed(own, clean)


def _composed(own: Hook | None, clean: Hook) -> Hook:
    @functools.wraps(clean)
    def hook(payload: Payload, hint: Any) -> Payload | None:
        # Spotter's own failures stay out, or telling of one would cause the next.
        if is_ignoring():
            return None
        given = own(payload, hint) if own else payload
        return None if given is None else _safely(clean, given, hint)

    hook.scrubs = True  # type: ignore[attr-defined]
    return hook


def _safely(clean: Hook, payload: Payload, hint: Any) -> Payload | None:
    # Not `rescue`: what could not be scrubbed must not go out, and the SDK sends the
    # original of a span or breadcrumb whose hook raised or gave nothing.
    with ignore():
        try:
            return clean(payload, hint)
        except Exception:
            logger.exception("spotter could not scrub what goes to Sentry")
            return {"name": FILTERED} if clean is clean_span else None


def clean_event(event: Payload, hint: Any) -> Payload | None:
    """An error, message or check-in, with its attachments."""
    _clean_attachments(hint)
    return _clean(event)


def clean_transaction(event: Payload, hint: Any) -> Payload | None:
    """A transaction with its spans; None for a probe."""
    if _path(event) in conf.get_settings().sentry_skip_paths:
        return None
    if (event.get("transaction_info") or {}).get("source") == "url":
        # Nothing matched: the name would be the path, and the path a stranger's text.
        event = {**event, "transaction": _NO_ROUTE}
    return clean_event(event, hint)


def clean_telemetry(payload: Payload, hint: Any) -> Payload:
    """A log record, metric or streamed span."""
    clean = {key: scrub(value) for key, value in payload.items()}
    attributes = payload.get("attributes")
    if isinstance(attributes, dict):
        clean["attributes"] = {
            key: value
            for key, value in scrub(attributes).items()
            if key not in _PERSONAL
        }
    return clean


def clean_span(payload: Payload, hint: Any) -> Payload:
    """A span that is sent by itself."""
    return clean_telemetry(payload, hint)


def clean_breadcrumb(crumb: Payload, hint: Any) -> Payload:
    """A breadcrumb, as it is left and not only as it is sent."""
    clean: Payload = scrub(crumb)
    return clean


_CLEANERS: dict[str, Hook] = {
    "before_send": clean_event,
    "before_send_transaction": clean_transaction,
    "before_send_log": clean_telemetry,
    "before_send_metric": clean_telemetry,
    "before_send_span": clean_span,
    "before_breadcrumb": clean_breadcrumb,
}
_PERSONAL = frozenset({
    "user.email", "user.name", "user.username", "user.full_name", "user.ip_address",
    "user.geo", "client.address",
})  # fmt: skip


def _clean(event: Payload) -> Payload:
    kept = {key: event[key] for key in _OWN if key in event}
    clean: Payload = scrub({k: v for k, v in event.items() if k not in kept}) | kept
    clean.pop("user", None)
    given = (event.get("user") or {}).get("id")
    user_id = current_user_id() or ("" if given is None else str(scrub(given)))
    if user_id:
        clean["user"] = {"id": user_id}
    return clean


def _path(event: Payload) -> str:
    url = (event.get("request") or {}).get("url") or ""
    return urllib.parse.urlsplit(str(url)).path


def _clean_attachments(hint: Any) -> None:
    attachments = hint.get("attachments") if isinstance(hint, dict) else None
    if attachments:
        hint["attachments"] = [
            clean for given in attachments if (clean := _clean_attachment(given))
        ]


def _clean_attachment(given: Attachment) -> Attachment | None:
    """Text is scrubbed; a picture or an archive cannot be, and stays here."""
    data = given.to_envelope_item().payload.get_bytes()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return Attachment(
        bytes=scrub(data),
        filename=str(scrub(given.filename)),
        content_type=given.content_type,
        add_to_transactions=given.add_to_transactions,
    )
