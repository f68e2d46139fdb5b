"""From what is wrong a reader comes to one request and its log lines, by links alone."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import re
import time

import pytest

from spotter.dashboard.examples import LONGEST_SECONDS
from spotter.entries import Batch, Sample, Series
from spotter.stores.contract import DAY, HOUR

pytestmark = pytest.mark.django_db

FAILED, SLOW, REPEATING = (f"{n}f3a9c2e5b7d4816" * 2 for n in range(3))


def look(client, href):
    answer = client.get(href)
    assert answer.status_code == 200
    return str(answer.content.decode())


def links(page, path):
    """The links of a page's content to another page, in their order."""
    content = page.partition("<h1>")[2]
    found = re.findall(r'href="([^"]+)"', content)
    return [html.unescape(href) for href in found if f"/spotter/{path}/?" in href]


def finding(page, kind):
    """Where the overview's finding of a kind leads."""
    return re.findall(rf'data-kind="{kind}".*?href="([^"]+)"', page, re.DOTALL)[0]


@pytest.fixture
def lines(settings, tmp_path):
    """A line of each of three requests, in the log files."""
    path = tmp_path / "logs" / "app.log"
    path.parent.mkdir()
    handler = {"class": "logging.FileHandler", "filename": str(path)}
    settings.LOGGING = {"version": 1, "handlers": {"file": handler}}
    at = time.strftime("%Y-%m-%d %H:%M:%S.000Z", time.gmtime())
    path.write_text(
        "".join(
            f"{at} INFO shop.cart: this is {id_[0]} process=1 request_id={id_}\n"
            for id_ in (FAILED, SLOW, REPEATING)
        )
    )


@pytest.mark.parametrize(
    ("kind", "way", "id_"),
    [
        ("errors", "requests/route", FAILED),
        ("slow_requests", "requests/route", SLOW),
        ("n_plus_one", "queries", REPEATING),
        ("slow_query", "queries/statement", SLOW),
    ],
)
def test_a_finding_leads_to_a_request_that_it_is_about_and_to_its_lines(
    filled, lines, client, kind, way, id_
):
    overview = look(client, "/spotter/?period=1h")
    href = html.unescape(finding(overview, kind))
    assert href.startswith(f"/spotter/{way}/?")
    example = links(look(client, href), "requests/example")[0]
    waterfall = look(client, example)
    assert "What it waited for" in waterfall
    assert "period=15m" in example  # What is wrong now is shown where it is most.
    (href,) = links(waterfall, "logs")
    page = look(client, href)
    assert re.findall(r"this is (\d)", page) == [id_[0]]


def kept(at, kind, id_, key="/a/"):
    body = {
        "method": "GET", "path": key, "status": 200, "why": "slow", "duration": 2.0,
        "db_queries": 1, "text": "SELECT 1", "alias": "default", "system": "sqlite",
        "tables": [], "site": "", "rows": 1, "route": "/a/", "request_id": id_,
    }  # fmt: skip
    return Sample(kind=kind, key=key, at=at, weight=1, body=body)


@pytest.mark.parametrize(
    ("ago", "later", "id_", "is_shown"),
    [
        (HOUR, 0, "mine", True),
        (HOUR, LONGEST_SECONDS - 1, "mine", True),
        (HOUR, 0, "another", False),
        (4 * DAY, 0, "mine", False),
    ],
    ids=["kept", "ended later", "another is kept", "past its time"],
)
def test_a_statement_leads_to_its_request_where_that_is_kept_else_to_the_lines(
    store, client, ago, later, id_, is_shown
):
    at = time.time() - ago
    batch = Batch()
    batch.samples = [
        kept(at, "statement", "mine", key="abc"),
        kept(at + later, "request", id_),
    ]
    store.write(batch)
    page = look(client, "/spotter/queries/statement/?fingerprint=abc")
    assert len(links(page, "requests/example")) == is_shown
    assert len(links(page, "logs")) == (not is_shown)


def spanned(at, id_, *spans):
    """A kept request that waited for these."""
    sample = kept(at, "request", id_, key=f"/{id_}/")
    told = [{"kind": kind, "text": text} for kind, text in spans]
    return dataclasses.replace(sample, body={**sample.body, "spans": told})


@pytest.fixture
def waiting(store):
    """Requests that called two servers and asked for two kinds of keys."""
    at = time.time() - 100
    batch = Batch()
    batch.samples = [
        spanned(at, "pays", ("http", "POST api.stripe.com 503"), ("db", "GET b.org 1")),
        spanned(at, "maps", ("http", "GET b.org ConnectError"), ("cache", "get slots:… hit")),
        spanned(at, "logs-in", ("cache", "get session:… miss")),
    ]  # fmt: skip
    for host in ("api.stripe.com", "b.org"):
        labels = {"server.address": host, "http.response.status_code": 200}
        batch.point(Series.of("http.client.request.duration", labels), at).observe(0.1)
    for prefix in ("slots", "session"):
        labels = {"cache.alias": "default", "cache.prefix": prefix, "result": "miss"}
        batch.point(Series.of("spotter.cache.lookups", labels), at).add(3)
    store.write(batch)


@pytest.mark.parametrize(
    ("path", "name", "ids"),
    [
        ("outgoing", "host=api.stripe.com", ["pays"]),
        ("outgoing", "host=b.org", ["maps"]),
        ("cache", "prefix=slots", ["maps"]),
        ("cache", "prefix=session", ["logs-in"]),
    ],
)
def test_a_server_and_a_kind_of_key_lead_to_requests_that_waited_for_it(
    waiting, client, path, name, ids
):
    page = look(client, f"/spotter/{path}/")
    (href,) = (each for each in links(page, path) if each.endswith(f"&{name}"))
    page = look(client, href)
    assert [
        re.findall(r"id=([\w-]+)", each)[0] for each in links(page, "requests/example")
    ] == ids
    assert f"/spotter/{path}/?period=1h" in links(page, path)


def test_of_one_kind_of_key_its_own_lookups_are_drawn(store, client):
    batch, at = Batch(), time.time() - 100
    for prefix, result in (("slots", "miss"), ("session", "hit")):
        labels = {"cache.alias": "default", "cache.prefix": prefix, "result": result}
        batch.point(Series.of("spotter.cache.lookups", labels), at).add(3)
    store.write(batch)
    rates = {}
    for asked in ("", "&prefix=slots", "&prefix=session"):
        answer = look(client, f"/spotter/cache/?format=csv&block=hits{asked}")
        rows = list(csv.reader(io.StringIO(answer)))[1:]
        rates[asked] = {row[1] for row in rows} - {""}
    assert rates == {"": {"0.5"}, "&prefix=slots": {"0.0"}, "&prefix=session": {"1.0"}}


def test_a_task_leads_to_its_own_attempts(filled, client):
    batch, at = Batch(), time.time() - 100
    body = {
        "system": "django", "name": "other", "id": "o", "attempt": 1, "wait": 0.1,
        "outcome": "failed", "duration": 1.0, "exception": "OtherError", "request_id": "",
    }  # fmt: skip
    batch.samples.append(Sample(kind="task", key="other", at=at, weight=1, body=body))
    filled.write(batch)
    page = look(client, "/spotter/tasks/")
    assert "OtherError" in page
    assert "WorkerLostError" in page
    name = "task=trainerhub.notifications.tasks.send"
    href = next(each for each in links(page, "tasks") if each.endswith(name))
    page = look(client, href)
    assert "OtherError" not in page
    assert "WorkerLostError" in page
