"""The dashboard's addresses."""

from __future__ import annotations

from django.urls import URLPattern, path

from spotter.dashboard import announcing
from spotter.dashboard.actions import ACTIONS, act
from spotter.dashboard.assets import asset
from spotter.dashboard.pages import PAGES
from spotter.dashboard.ping import ping
from spotter.dashboard.site import view

ACTIONS.update(announcing.ACTIONS)


def patterns(prefix: str) -> list[URLPattern]:
    """Every page below a prefix such as `spotter/`."""
    return [
        path(f"{prefix}assets/<slug:version>/<str:name>", asset, name="asset"),
        path(f"{prefix}ping/<str:key>/", ping, name="ping"),
        path(f"{prefix}ping/<str:key>/<slug:kind>/", ping, name="ping-kind"),
        path(f"{prefix}act/<slug:action>/", act, name="act"),
        *(
            path(
                f"{prefix}{page.path}/" if page.path else prefix,
                view(page, PAGES),
                name=page.path.replace("/", "-") or "overview",
            )
            for page in PAGES
        ),
    ]
