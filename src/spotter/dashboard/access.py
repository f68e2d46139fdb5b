"""Who may see the dashboard: staff with the permission, or whom the project lets."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.utils.module_loading import import_string

from spotter.conf import get_settings

PERMISSION = "spotter.view_dashboard"


def may_see(request: HttpRequest) -> bool:
    """Whether this request may see anything; a check that fails lets nobody in."""
    given = get_settings().dashboard_access
    if given:
        check: Callable[[HttpRequest], object] = import_string(given)
        return check(request) is True
    user = getattr(request, "user", None)
    return (
        user is not None
        and user.is_active
        and user.is_staff
        and user.has_perm(PERMISSION)
    )


def may_act(request: HttpRequest) -> bool:
    """Whether this request may acknowledge, comment on and silence."""
    if not may_see(request):
        return False
    if get_settings().dashboard_access:
        return True
    user = getattr(request, "user", None)
    return user is not None and user.has_perm("spotter.respond_to_incidents")


def is_logged_in(request: HttpRequest) -> bool:
    """Whether logging in would change nothing."""
    user = getattr(request, "user", None)
    return user is not None and user.is_authenticated
