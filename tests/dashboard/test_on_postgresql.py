"""A page is the same in both kinds of store, and outlives a server that stops."""

from __future__ import annotations

import pathlib
import re
import time

import psutil
import pytest
import time_machine

from spotter.dashboard import reading
from spotter.recording import buffer
from spotter.stores.current import get_store
from spotter.stores.postgresql import PostgresqlStore
from spotter.stores.sqlite import SqliteStore
from tests.dashboard.conftest import PAGES
from tests.dashboard.filled import fill
from tests.servers.postgres import running_postgres, started_again

pytestmark = [pytest.mark.django_db, pytest.mark.long]
# This page tells of the store itself; the others differ by no letter.
SAME = [page for page in PAGES if page != "self/"]
# New with each answer: the policy's nonce and the form's token.
ONCE = re.compile(r'nonce="[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"')
UNREADABLE = "The store can&#x27;t be read"
# A sum's last digits depend on the order in which it was added up.
LONG = re.compile(r"\d+\.\d{7,}")


@pytest.fixture(scope="module")
def both(postgres, tmp_path_factory):
    """The same hour and a half in each kind of store, and when it ended."""
    now = time.time()
    path = tmp_path_factory.mktemp("both") / "spotter.db"
    url = postgres.create_database("pages")
    for store in (SqliteStore(path), PostgresqlStore(url)):
        fill(store, now=now)
        store.close()
    return (f"sqlite:///{path}", url), now


@pytest.fixture
def seen(settings, client):
    """Open a store, look at a page as if nobody had, and let go of the store."""

    def look(url: str, page: str) -> str:
        buffer._flusher.stop()
        settings.SPOTTER = {
            "STORE": url,
            "DASHBOARD_ACCESS": "tests.dashboard.conftest.everybody",
            "FLUSH_SECONDS": 3600.0,
        }
        reading._kept.clear()
        answer = client.get(f"/spotter/{page}")
        get_store().close()
        assert answer.status_code == 200
        text = ONCE.sub("", answer.content.decode())
        return LONG.sub(lambda number: f"{float(number[0]):.9g}", text)

    yield look
    buffer._flusher.stop()


@pytest.mark.parametrize("page", SAME)
@pytest.mark.parametrize("period", ["15m", "24h", "7d"])
def test_a_page_is_the_same_in_both_stores(both, seen, page, period):
    urls, now = both
    mark = "&" if "?" in page else "?"
    with time_machine.travel(now, tick=False):
        of_sqlite, of_postgresql = (
            seen(url, f"{page}{mark}period={period}") for url in urls
        )
    assert "<h1>" in of_sqlite
    assert UNREADABLE not in of_sqlite
    assert of_postgresql == of_sqlite


def test_a_server_that_stops_is_told_on_its_pages_until_it_is_back(seen):
    with running_postgres() as server:
        url, port = server.create_database("pages"), str(server.port)
        process = psutil.Process(server.pid)
        folder = pathlib.Path(process.cwd())
        store = PostgresqlStore(url)
        fill(store, minutes=5)
        store.close()
        assert UNREADABLE not in seen(url, "")
        server.stop()
        process.wait(20)
        for page in ("", "requests/", "hosts/"):
            assert UNREADABLE in seen(url, page)
        with started_again(str(folder), port):
            assert UNREADABLE not in seen(url, "")
