"""Figures that stand in several places are the same there, and as in the code."""

from __future__ import annotations

import re
from typing import Any

from acceptance.trainerhub_server import CHECKOUT
from spotter.recording.buffer import MAX_DETAILED

DOCS = CHECKOUT / "docs"


def figures(pattern: str, *names: str) -> list[Any]:
    """What a pattern finds in documents, however their lines are broken."""
    texts = [" ".join((DOCS / name).read_text().split()) for name in names]
    return [found for text in texts for found in re.findall(pattern, text)]


def test_how_many_waiting_requests_keep_their_details():
    found = [
        *figures(r"beyond (\d+) (?:only|that wait)", "explanation/what-it-costs.md"),
        *figures(r"the first (\w+) of them with", "reference/telemetry.md"),
    ]
    assert found == [str(MAX_DETAILED)] * 3


def test_what_a_scrape_takes():
    page = r"of 200 routes takes (\d+ ms) of CPU from SQLite and (\d+ ms)"
    table = r"scrape, 200 routes \| < 50 ms \| (\d+ ms) \(PostgreSQL (\d+ ms)\)"
    found = figures(page, "reference/metrics-endpoint.md")
    assert len(found) == 1
    assert found == figures(table, "explanation/the-store.md")
