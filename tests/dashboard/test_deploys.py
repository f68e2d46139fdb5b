"""A deploy is drawn on every chart of every page."""

from __future__ import annotations

import html
import json
import re

import pytest

from tests.dashboard.conftest import PAGES

pytestmark = pytest.mark.django_db
#: Pages that are tables alone, or have nothing to draw in this store.
WITHOUT_CHARTS = (
    *("requests/example", "outgoing/", "logs/", "self/"),
    *("alerts/", "incidents/", "silences/", "uptime/"),
)


@pytest.mark.parametrize("page", PAGES)
def test_a_deploy_is_drawn_on_every_chart(filled, client, page):
    text = client.get(f"/spotter/{page}").content.decode()
    charts = [
        json.loads(html.unescape(data))
        for data in re.findall(r'data-chart="([^"]*)"', text)
    ]
    assert bool(charts) is not page.startswith(WITHOUT_CHARTS)
    for chart in charts:
        assert [name for _, name in chart["marks"]] == ["deploy 2026.11.3"]
