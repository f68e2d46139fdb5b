"""Every page of the dashboard, in the order of the menu."""

from __future__ import annotations

from spotter.dashboard.pages import (
    alerts,
    cache,
    example,
    hosts,
    incident,
    incidents,
    itself,
    logs,
    outgoing,
    overview,
    queries,
    requests,
    route,
    runbooks,
    silences,
    statement,
    tasks,
    uptime,
)
from spotter.dashboard.site import Page

#: To add a page: its module, and its name here.
PAGES: list[Page] = [
    overview.PAGE,
    alerts.PAGE,
    incidents.PAGE,
    incident.PAGE,
    silences.PAGE,
    uptime.PAGE,
    requests.PAGE,
    route.PAGE,
    example.PAGE,
    queries.PAGE,
    statement.PAGE,
    cache.PAGE,
    tasks.PAGE,
    outgoing.PAGE,
    hosts.PAGE,
    logs.PAGE,
    itself.PAGE,
    runbooks.PAGE,
]
