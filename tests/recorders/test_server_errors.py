"""The failed requests are counted from 0 on."""

from __future__ import annotations

import time

from spotter import recording
from spotter.recorders import server_errors
from spotter.stores.contract import Query


def test_the_series_of_failed_requests_is_there_before_one_fails(kept):
    server_errors.tell()
    recording.flush()
    series = [
        (dict(series.labels), point.count)
        for series, point in kept.cumulative().items()
        if series.name == "spotter.http.server.duration"
    ]
    assert series == [({"http.response.status_class": "5xx"}, 0)]


def test_nothing_is_added_to_what_failed(kept):
    server_errors.tell()
    recording.observe(
        "spotter.http.server.duration", 0.5, {"http.response.status_class": "5xx"}
    )
    server_errors.tell()
    recording.flush()
    now = time.time()
    asked = Query(name="spotter.http.server.duration", start=now - 60, end=now + 10)
    point = kept.total(asked)[()]
    assert (point.count, point.sum, point.minimum) == (1, 0.5, 0.5)
