"""Import before the first request what that would otherwise wait for."""

from __future__ import annotations

import importlib

from django.conf import settings


def import_views() -> None:
    """Import every address with its view; Django leaves that to the first request."""
    importlib.import_module(settings.ROOT_URLCONF)
