"""System checks of the status page."""

from __future__ import annotations

from typing import Any

from django.core import checks

from spotter import conf
from spotter.probes import Monitor
from spotter.statuspage.page import StatusPage


@checks.register("spotter")
def check_status_page(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a status page that can't be shown: `spotter.E072`."""
    settings = conf.get_settings()
    given = settings.status_page
    if given is None:
        return []
    if not isinstance(given, StatusPage):
        problems = [f"it is {given!r}, which is no StatusPage"]
    else:
        names = {m.name for m in settings.monitors if isinstance(m, Monitor)}
        problems = list(given.problems(names))
    return [
        checks.Error(
            f"STATUS_PAGE: {problem}.",
            hint="STATUS_PAGE = StatusPage(title=…, components={'Website': 'health'}), "
            "from spotter.statuspage; the monitors are those of MONITORS.",
            id="spotter.E072",
        )
        for problem in problems
    ]
