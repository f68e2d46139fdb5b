"""Who holds Spotter's token."""

from __future__ import annotations

import secrets

from django.http import HttpRequest

from spotter.conf import get_settings


def holds_token(request: HttpRequest) -> bool:
    """
    Whether the request has `Authorization: Bearer` with `SPOTTER["TOKEN"]`.

    Never read from the query string, which lands in access logs and browser history.
    """
    token = get_settings().token
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    return secrets.compare_digest(given.strip().encode(), token.encode())
