"""The dashboard's addresses."""

from __future__ import annotations

from django.urls import URLPattern, path

from spotter.dashboard.actions import act
from spotter.dashboard.assets import asset
from spotter.dashboard.pages import PAGES, runbooks
from spotter.dashboard.ping import ping
from spotter.dashboard.site import view


def patterns(prefix: str) -> list[URLPattern]:
    """Every page below a prefix such as `spotter/`."""
    return [
        path(f"{prefix}assets/<slug:version>/<str:name>", asset, name="asset"),
        path(f"{prefix}ping/<str:key>/", ping, name="ping"),
        path(f"{prefix}ping/<str:key>/<slug:kind>/", ping, name="ping-kind"),
        path(f"{prefix}act/<slug:action>/", act, name="act"),
        # With and without the slash: who follows a link at night must not be redirected
        # by a setting of the project.
        *(
            path(
                f"{prefix}runbooks/<slug:name>{end}",
                view(runbooks.PAGE, PAGES),
                name="runbook",
            )
            for end in ("", "/")
        ),
        *(
            path(
                f"{prefix}{page.path}/" if page.path else prefix,
                view(page, PAGES),
                name=page.path.replace("/", "-") or "overview",
            )
            for page in PAGES
        ),
    ]
