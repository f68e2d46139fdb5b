"""The page of the log files, which is there when the store is not."""

from __future__ import annotations

import datetime
import gzip

import pytest

from spotter.dashboard.pages import logs
from spotter.logs.reading import pieces
from spotter.stores.contract import StoreError

pytestmark = pytest.mark.django_db


def test_the_log_files_are_searched_without_the_store(
    store, client, monkeypatch, settings, tmp_path
):
    handler = {"class": "logging.FileHandler", "filename": str(tmp_path / "app.log")}
    settings.LOGGING = {"version": 1, "handlers": {"file": handler}}
    (tmp_path / "app.log").write_text(
        "2999-01-01 00:00:00.000Z ERROR shop.cart: the cart is gone process=1\n"
    )

    def refuse(self, *, write):
        raise StoreError("no room on the disk")

    monkeypatch.setattr(type(store), "transaction", refuse)
    page = str(client.get("/spotter/logs/?text=cart").content.decode())
    assert "no room on the disk" in page
    assert page.count("shop.cart") == 1
    assert '<span class="text">the cart is gone process=1</span>' in page


@pytest.fixture
def folder(settings, tmp_path):
    """Where the project's log files are: app.log has a line a second, of half a day."""
    handler = {"class": "logging.FileHandler", "filename": str(tmp_path / "app.log")}
    settings.LOGGING = {"version": 1, "handlers": {"file": handler}}
    begun = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
    lines = [
        f"{begun + datetime.timedelta(seconds=n):%Y-%m-%d %H:%M:%S}.000Z INFO shop: sold {n}\n"
        for n in range(0, 43_200, 10)
    ]
    (tmp_path / "app.log").write_text("".join(lines))
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress("".join(lines).encode()))
    return tmp_path


@pytest.fixture
def shown(store, client):
    def look(query=""):
        answer = client.get(f"/spotter/logs/?{query}")
        assert answer.status_code == 200
        return answer.content.decode()

    return look


@pytest.fixture
def hasty(monkeypatch):
    """A page that has no time, so that it reads one piece of ten kilobytes."""
    monkeypatch.setattr(logs, "SECONDS", 0.0)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 10_000)


@pytest.mark.parametrize("query", ["request_id=nowhere", "text=nowhere&period=90d"])
def test_a_search_that_finds_nothing_stops_and_says_how_far_it_looked(
    folder, shown, hasty, query
):
    assert "Looked back to 2026-11-20 11:" in shown(query)


def test_a_search_that_read_everything_says_nothing_of_a_limit(folder, shown):
    assert "Looked back" not in shown("request_id=nowhere")


def test_the_time_that_was_looked_back_to_is_the_nearest_of_all_logs(
    folder, shown, hasty
):
    quiet = "2026-11-20 00:00:00.000Z INFO shop: quiet\n"
    (folder / "old.log").write_text(quiet * 1000)
    assert "Looked back to 2026-11-20 11:" in shown("request_id=nowhere")


@pytest.mark.parametrize("query", ["text=sold", "request_id=abc"])
def test_a_search_is_not_repeated_by_itself(folder, shown, query):
    assert "spotter:refresh" not in shown(query)
    assert "spotter:refresh" in shown()


def test_searching_again_keeps_a_range_of_ones_own(folder, shown):
    page = shown("from=2026-11-20T03:00:00&to=2026-11-20T04:00:00")
    assert '<input type="hidden" name="from" value="2026-11-20T03:00:00">' in page
    assert '<input type="hidden" name="to" value="2026-11-20T04:00:00">' in page


def test_a_file_that_cannot_be_read_is_told_beside_the_others(folder, shown):
    (folder / "broken.log").symlink_to("/proc/self/mem")
    page = shown("from=2026-11-20T03:00:00&to=2026-11-20T04:00:00&text=sold")
    assert "broken.log: Invalid argument" in page
    assert "sold 14390" in page
