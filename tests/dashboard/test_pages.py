"""Every page is shown, full, empty or with a broken store, under a strict policy."""

from __future__ import annotations

import csv
import io
import re
import sys
import time

import pytest

from spotter import recording
from spotter.dashboard.assets import TYPES, content
from spotter.entries import Batch, Sample, Series
from spotter.stores.contract import StoreError
from tests.dashboard.conftest import PAGES
from tests.kept import recorded

pytestmark = pytest.mark.django_db


def text(answer):
    return answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_shown(filled, client, page):
    answer = client.get(f"/spotter/{page}")
    assert answer.status_code == 200
    assert "<h1>" in text(answer)
    assert "last measurement" not in text(answer)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_shown_before_anything_was_measured(store, client, page):
    answer = client.get(f"/spotter/{page}")
    assert answer.status_code == 200
    assert "Nothing has been measured yet" in text(answer)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_what_to_do_about_a_broken_store(
    store, client, page, monkeypatch
):
    def refuse(self, *, write):
        raise StoreError("no room on the disk")

    monkeypatch.setattr(type(store), "transaction", refuse)
    answer = client.get(f"/spotter/{page}")
    assert answer.status_code == 200
    assert "no room on the disk" in text(answer)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_what_is_wrong_with_the_settings(
    settings, client, page, tmp_path
):
    settings.BASE_DIR = tmp_path
    settings.SPOTTER = {
        "DASHBOARD_ACCESS": "tests.dashboard.conftest.everybody",
        "STORE": "mysql://x",
    }
    answer = client.get(f"/spotter/{page}")
    assert answer.status_code == 200
    assert "The store can't be read" in text(answer).replace("&#x27;", "'")
    assert "names no store" in text(answer)


def test_a_missing_driver_is_told_on_the_page(settings, client, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "spotter.stores.postgresql", None)
    settings.BASE_DIR = tmp_path
    settings.SPOTTER = {
        "DASHBOARD_ACCESS": "tests.dashboard.conftest.everybody",
        "STORE": "postgresql://localhost/spotter",
    }
    answer = client.get("/spotter/")
    assert answer.status_code == 200
    assert "pip install" in text(answer)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("period", ["15m", "24h", "7d", "90d"])
def test_every_page_is_shown_for_every_period(filled, client, page, period):
    mark = "&" if "?" in page else "?"
    assert client.get(f"/spotter/{page}{mark}period={period}").status_code == 200


def test_measurements_that_stopped_are_told(store, client, monkeypatch):
    monkeypatch.setattr(store, "written_at", lambda: time.time() - 61)
    assert "The last measurement came 61 s ago" in text(client.get("/spotter/"))


def test_a_period_that_is_none_is_refused_with_what_there_is(filled, client):
    answer = client.get("/spotter/?period=fortnight")
    assert answer.status_code == 400
    assert "There is no period &#x27;fortnight&#x27;" in text(answer)


def test_the_period_is_kept_from_page_to_page(filled, client):
    page = text(client.get("/spotter/?period=6h"))
    assert 'href="/spotter/requests/?period=6h"' in page


@pytest.mark.parametrize("page", PAGES)
def test_nothing_may_run_but_what_is_the_dashboards(filled, client, page):
    answer = client.get(f"/spotter/{page}")
    policy = answer["Content-Security-Policy"]
    (nonce,) = re.findall(r"script-src 'nonce-([\w-]+)'", policy)
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    scripts = re.findall(r"<script[^>]*>", text(answer))
    assert all(f'nonce="{nonce}"' in tag and "src=" in tag for tag in scripts)
    assert not re.search(r"\s(style|on\w+)=", text(answer))


def test_a_nonce_is_used_once(filled, client):
    policies = {client.get("/spotter/")["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3


def test_all_scripts_together_are_small():
    scripts = [name for name in TYPES if name.endswith(".js")]
    assert sum(len(content(name)) for name in scripts) < 150_000


def test_an_asset_is_kept_for_good_and_only_those_that_there_are(store, client):
    page = text(client.get("/spotter/"))
    (address,) = re.findall(r'src="([^"]+dashboard\.js)"', page)
    assert "immutable" in client.get(address)["Cache-Control"]
    assert client.get(address.replace("dashboard.js", "NOTICE.txt")).status_code == 404
    assert (
        client.get(address.replace("dashboard.js", "..%2Fsite.py")).status_code == 404
    )


@pytest.mark.parametrize(
    ("page", "block"),
    [
        ("requests/", "routes"),
        ("requests/", "duration"),
        ("", "fixes"),
        ("hosts/", "disks"),
    ],
)
def test_tables_and_charts_are_downloaded(filled, client, page, block):
    answer = client.get(f"/spotter/{page}?format=csv&block={block}")
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(text(answer))))
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}


HOSTILE = '=cmd|"/c calc"!A1<script>alert(1)</script>'


@pytest.fixture
def hostile(store):
    now = time.time()
    batch = Batch()
    labels = {
        "http.route": HOSTILE,
        "http.request.method": "GET",
        "http.response.status_code": "200",
    }
    batch.point(Series.of("http.server.request.duration", labels), now).observe(0.1)
    batch.samples.append(Sample(kind="request", key=HOSTILE, at=now, weight=1, body={
        "method": "GET", "path": HOSTILE, "route": HOSTILE, "status": 500, "duration": 1.0, "why": "failed", "request_id": "a", "db_queries": 1,
    }))  # fmt: skip
    store.write(batch)


def test_hostile_text_is_shown_as_text(hostile, client):
    for page in ("", "requests/"):
        assert "<script>alert" not in text(client.get(f"/spotter/{page}"))


def test_no_spreadsheet_runs_what_is_downloaded(hostile, client):
    answer = text(client.get("/spotter/requests/?format=csv&block=routes"))
    rows = list(csv.reader(io.StringIO(answer)))
    assert rows[1][0] == f"'{HOSTILE}"


def test_looking_is_in_no_statistics(store, client):
    for page in PAGES:
        client.get(f"/spotter/{page}")
    recording.flush()
    assert recorded("http.server.request.duration") == {}
    assert recorded("db.client.operation.duration") == {}


def test_routes_are_filtered_sorted_and_paged(filled, client, monkeypatch):
    monkeypatch.setattr("spotter.dashboard.pages.requests.EACH", 2)
    first = text(client.get("/spotter/requests/?sort=rate&q=API"))
    assert "page=2" in first
    assert first.index("/api/users/me/<") < first.index("/api/bookings/<")
    assert "No route" in text(client.get("/spotter/requests/?q=nothing-like-it"))


def test_the_overview_names_what_is_wrong_and_what_to_fix_first(filled, client):
    page = text(client.get("/spotter/"))
    kinds = re.findall(r'data-kind="(\w+)"', page)
    assert {"errors", "slow_requests", "n_plus_one", "slow_query"} <= set(kinds)
    assert "clients.Client (Booking.client)" in page


def test_a_deploy_is_marked_on_the_charts(filled, client):
    for page in ("", "requests/", "queries/", "hosts/"):
        assert "deploy 2026.11.3" in text(client.get(f"/spotter/{page}"))


def counting(original, asked):
    def counted(*args, **kwargs):
        asked.append(original.__name__)
        return original(*args, **kwargs)

    return counted


def test_a_page_asks_the_store_little(filled, client, monkeypatch):
    asked: list[str] = []
    for name in ("total", "range", "samples"):
        monkeypatch.setattr(filled, name, counting(getattr(filled, name), asked))
    client.get("/spotter/requests/")
    assert len(asked) <= 12
    client.get("/spotter/requests/")
    assert len(asked) <= 12
