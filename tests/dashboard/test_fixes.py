"""What to fix first: one list of whatever costs time, by the time that it costs."""

from __future__ import annotations

import csv
import io
import time

import pytest

from spotter.entries import Batch, Series

pytestmark = pytest.mark.django_db


def fix_list(client):
    answer = client.get("/spotter/", {"format": "csv", "block": "fixes"})
    return list(csv.reader(io.StringIO(answer.content.decode())))[1:]


def test_routes_statements_and_repetitions_are_ranked_by_the_time_they_would_spare(
    store, client
):
    batch, at = Batch(), time.time() - 60

    def note(name, labels, times, seconds):
        point = batch.point(Series.of(name, labels), at)
        for _ in range(times):
            point.note(seconds)

    status = {"http.request.method": "GET", "http.response.status_code": 200}
    note("http.server.request.duration", {"http.route": "/slow/", **status}, 100, 1.0)
    for key, times, seconds in (("often", 12_000, 0.01), ("rare", 100, 0.2), ("fine", 20_000, 0.004)):  # fmt: skip
        labels = {"db.query.fingerprint": key, "db.alias": "default"}
        note("spotter.db.statement.duration", labels, times, seconds)
    what = {
        "kind": "n_plus_one", "http.route": "/list/", "db.query.fingerprint": "again",
        "code.site": "views.py:1 list",
    }  # fmt: skip
    note("spotter.db.repeated", what, 100, 0.5)
    note("spotter.db.repeated.queries", what, 100, 20)
    store.write(batch)
    found = fix_list(client)
    assert [row[0].split(",")[0].split(":")[0] for row in found] == [
        *("Slow code", "Slow query", "N+1", "Slow query")
    ]
    assert [row[1] for row in found] == [
        "/slow/", "statement often", "/list/ views.py:1 list", "statement rare",
    ]  # fmt: skip
    spared = [float(row[3]) for row in found]
    assert spared == pytest.approx([80, 60, 47.5, 19.5])
