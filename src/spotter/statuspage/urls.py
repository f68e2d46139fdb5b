"""The status page's addresses: `path("status/", include("spotter.statuspage.urls"))`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from spotter.conf import get_settings
from spotter.statuspage import views
from spotter.statuspage.page import StatusPage

urlpatterns = [
    path("", views.page, name="status"),
    path("status.json", views.data, name="status-json"),
    path("status.rss", views.feed, name="status-rss"),
    path("<str:name>", views.asset, name="status-asset"),
]


def patterns() -> list[URLPattern | URLResolver]:
    """Its place among Spotter's own; none while it is off, to be in nobody's way."""
    page = get_settings().status_page
    if not isinstance(page, StatusPage) or not page.path:
        return []
    return [path(f"{page.path.strip('/')}/", include(urlpatterns))]
