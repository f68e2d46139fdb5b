"""Spotter's addresses; mount them with `path("", include("spotter.urls"))`."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path

from spotter.conf import get_settings
from spotter.dashboard import urls as dashboard_urls
from spotter.exposition import view
from spotter.health import probes
from spotter.recorders.drills import PATH, carry_out
from spotter.statuspage import urls as statuspage_urls

app_name = "spotter"


def probe(name: str, answer: Callable[[HttpRequest], HttpResponse]) -> list[URLPattern]:
    """Two patterns: the named one, and one without the slash that redirects nobody."""
    prefix = get_settings().probe_prefix.strip("/")
    route = f"{prefix}/{name}" if prefix else name
    return [path(f"{route}/", answer, name=name), path(route, answer)]


urlpatterns: list[URLPattern | URLResolver] = [
    *probe("health", probes.health),
    *probe("ready", probes.ready),
    *probe("live", probes.live),
    *probe("metrics", view.metrics),
    *statuspage_urls.patterns(),
    path(
        f"{get_settings().dashboard_prefix.strip('/')}{PATH}", carry_out, name="drill"
    ),
    *dashboard_urls.patterns(f"{get_settings().dashboard_prefix.strip('/')}/"),
]
