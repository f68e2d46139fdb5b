"""The spec's three variables, each also a Django setting of the same name."""

from __future__ import annotations

import math
import os

from django.conf import settings as django_settings
from sentry_sdk.utils import BadDsn, Dsn

from spotter import conf

DSN = "SENTRY_DSN"
ENVIRONMENT = "SENTRY_ENVIRONMENT"
SAMPLE_RATE = "SENTRY_TRACES_SAMPLE_RATE"


def given(name: str) -> str:
    """What the environment says, or else the Django setting; "" when neither does."""
    if name in os.environ:
        return os.environ[name].strip()
    value = getattr(django_settings, name, None)
    return "" if value is None else str(value).strip()


def dsn() -> str:
    """The DSN when it can be used, else an empty string."""
    return "" if dsn_problem(given(DSN)) else given(DSN)


def dsn_problem(text: str) -> str:
    """Say why a DSN cannot be used, without repeating its key."""
    if not text:
        return ""
    try:
        parsed = Dsn(text)
    except (BadDsn, ValueError):
        return "it is not of the form https://KEY@HOST/PROJECT"
    return "" if parsed.public_key else "it has no public key"


def environment() -> str | None:
    """What Sentry calls the environment; None lets the SDK say "production"."""
    return given(ENVIRONMENT) or conf.get_settings().environment or None


def sample_rate() -> float | None:
    """The share of transactions to send, 0 to 1; None when not given or unusable."""
    try:
        rate = float(given(SAMPLE_RATE))
    except ValueError:
        return None
    return rate if math.isfinite(rate) and 0 <= rate <= 1 else None
