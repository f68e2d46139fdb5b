"""Who may read `/metrics/`."""

from __future__ import annotations

import os

from django.conf import settings as django_settings
from django.http import HttpRequest

from spotter.bearer import holds_token
from spotter.conf import get_settings

POLICIES = ("public", "token", "staff")


def policy() -> str:
    """The policy in force: what is set, else open in development and closed elsewhere."""
    settings = get_settings()
    if settings.metrics_access in POLICIES:
        return settings.metrics_access
    # A name that is no policy must not open anything; `spotter.E011` tells of it.
    if not settings.metrics_access and is_development():
        return "public"
    return "token" if settings.token else "staff"


def is_development() -> bool:
    """Whether this is a developer's machine, by DEBUG or the environment's name."""
    named = get_settings().environment or os.environ.get("SENTRY_ENVIRONMENT", "")
    return bool(django_settings.DEBUG) or named == "development"


def refusal(request: HttpRequest) -> tuple[int, str] | None:
    """The status and what to do, or None when the request may read."""
    chosen = policy()
    if chosen == "public" or holds_token(request):
        return None
    if chosen == "token":
        return 401, (
            "The metrics need a token: send the header `Authorization: Bearer …` with "
            'the value of SPOTTER["TOKEN"].'
        )
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated and user.is_staff:
        return None
    return 403, (
        "The metrics are for staff: log in to the admin with a staff account, or set "
        'SPOTTER["TOKEN"] and send it as `Authorization: Bearer …`.'
    )
