"""What all processes recorded is exposed as one, in both text formats."""

from __future__ import annotations

import math
import re
import subprocess
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as plain_families

from spotter.catalog import METRICS, Metric, exposed_name
from spotter.entries import Batch, Sample, Series
from spotter.exposition.recorded import BOUNDS, GONE_SECONDS, read
from spotter.histograms import Histogram, upper_bound
from spotter.stores.contract import StoreError
from tests.kept import kept_store
from tests.servers.processes import program
from tests.servers.web import CHECKOUT

DURATION = "http.server.request.duration"
LABELS = {
    "http.route": "/a",
    "http.request.method": "GET",
    "http.response.status_code": "200",
}


@pytest.fixture
def store(settings, tmp_path):
    settings.SPOTTER = {"METRICS_ACCESS": "public"}
    yield from kept_store(settings, tmp_path)


PARSERS = {
    "openmetrics": text_string_to_metric_families,
    "prometheus": plain_families,
}


def scrape(client, form="openmetrics"):
    return client.get(f"/metrics/?format={form}").text


def samples(text, parser=text_string_to_metric_families):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample
        for family in parser(text)
        for sample in family.samples
    }


def value(text, name, **labels):
    return samples(text)[name, tuple(sorted(labels.items()))].value


def write(
    store, name, labels=None, *, count=0.0, observe=(), gauge=None, note=(), at=None
):
    at = time.time() if at is None else at
    batch = Batch()
    point = batch.point(Series.of(name, labels), at)
    if count:
        point.add(count)
    for each in observe:
        point.observe(each)
    for each in note:
        point.note(each)
    if gauge is not None:
        point.set(gauge, at)
    store.write(batch)


@pytest.mark.parametrize("form", ["openmetrics", "prometheus"])
def test_names_that_prometheus_does_not_take_cost_nobody_the_scrape(
    store, client, form
):
    write(store, "2nd-hand shop/orders", {"paid-by": "card", "1st": "yes"}, count=2)
    found = samples(scrape(client, form), PARSERS[form])
    labels = (("_1st", "yes"), ("paid_by", "card"))
    assert found["_2nd_hand_shop_orders_total", labels].value == 2


@pytest.mark.parametrize("form", ["openmetrics", "prometheus"])
def test_labels_whose_names_become_one_cost_nobody_the_scrape(store, client, form):
    write(store, "orders", {"paid-by": "card", "paid.by": "ann"}, count=2)
    text = scrape(client, form)
    assert text.count("paid_by=") == 1
    found = samples(text, PARSERS[form])
    assert found["orders_total", (("paid_by", "card;ann"),)].value == 2


def test_counters_of_all_batches_are_one(store, client):
    for _ in range(3):
        write(store, "spotter.db.errors", {"db.alias": "a", "error.type": "E"}, count=2)
    text = scrape(client)
    assert value(text, "spotter_db_errors_total", db_alias="a", error_type="E") == 6


def test_a_histogram_is_exact_at_its_bounds(store, client):
    write(store, DURATION, LABELS, observe=[0.5, 2.0, 2.01, 100.0])
    text = scrape(client)
    of = {
        "http_route": "/a",
        "http_request_method": "GET",
        "http_response_status_code": "200",
    }
    name = "http_server_request_duration_seconds"
    counts = {
        le: value(text, f"{name}_bucket", le=le, **of)
        for le in ("0.5", "2.0", "4.0", "32.0", "+Inf")
    }
    assert counts == {"0.5": 1, "2.0": 2, "4.0": 3, "32.0": 3, "+Inf": 4}
    assert (value(text, f"{name}_count", **of), value(text, f"{name}_sum", **of)) == (
        4,
        104.51,
    )


def test_two_seconds_is_a_bound_and_all_are_exact():
    assert 2.0 in BOUNDS
    assert all(bound == upper_bound(8 * round(math.log2(bound))) for bound in BOUNDS)


def test_a_summary_has_its_count_and_sum(store, client):
    write(store, "spotter.http.server.db.queries", {"http.route": "/a"}, note=[3, 4])
    text = scrape(client)
    assert value(text, "spotter_http_server_db_queries_sum", http_route="/a") == 7
    assert value(text, "spotter_http_server_db_queries_count", http_route="/a") == 2


@pytest.mark.parametrize(
    ("age", "shown"), [(GONE_SECONDS - 5, True), (GONE_SECONDS + 5, False)]
)
def test_a_gauge_of_a_host_that_is_gone_is_not_shown(store, client, age, shown):
    at = time.time() - age
    write(store, "system.memory.usage", {"host.name": "a"}, gauge=5, at=at)
    assert ('system_memory_usage_bytes{host_name="a"}' in scrape(client)) is shown


def test_what_workers_that_are_gone_told_of_themselves_is_not_even_read(store):
    for pid, age in (("1", GONE_SECONDS + 5), ("2", 0)):
        labels = {"host.name": "a", "process.pid": pid}
        at = time.time() - age
        write(store, "process.memory.usage", labels, gauge=5, at=at)
    found = read().points["process.memory.usage"]
    assert [dict(series.labels)["process.pid"] for series, _ in found] == ["2"]


def test_statements_are_shown_when_they_are_asked_for(store, client, settings):
    write(store, "spotter.db.statement.rows", {"db.query.fingerprint": "a"}, note=[1])
    assert "statement_rows" not in scrape(client)
    settings.SPOTTER = {**settings.SPOTTER, "METRICS_STATEMENTS": True}
    assert "statement_rows" in scrape(client)


def test_a_projects_own_metrics_are_shown_as_what_they_are(store, client):
    write(store, "shop.sold", {"kind": "a"}, count=4)
    write(store, "shop.stock", gauge=7)
    text = scrape(client)
    assert value(text, "shop_sold_total", kind="a") == 4
    assert value(text, "shop_stock") == 7


def test_an_exemplar_leads_from_a_bucket_to_a_request(store, client):
    write(store, DURATION, LABELS, observe=[0.3])
    batch = Batch()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    batch.samples.append(Sample(kind="request", key="/a", at=1764064800.5, weight=1, body={
        "method": "GET", "status": 200, "duration": 0.3, "trace_id": trace,
    }))  # fmt: skip
    store.write(batch)
    found = {
        labels: sample.exemplar
        for (name, labels), sample in samples(scrape(client)).items()
        if name.endswith("_bucket") and sample.exemplar
    }
    ((labels, exemplar),) = found.items()
    assert (dict(labels)["le"], exemplar.labels["trace_id"]) == ("0.5", trace)
    assert "trace_id" not in scrape(client, "prometheus")


HOSTILE = 'a"b\\c\nd</script>'


def test_hostile_labels_are_escaped(store, client):
    write(store, DURATION, {**LABELS, "http.route": HOSTILE}, observe=[0.1])
    for parser, form in (
        (text_string_to_metric_families, "openmetrics"),
        (plain_families, "prometheus"),
    ):
        routes = {
            dict(labels).get("http_route")
            for _, labels in samples(scrape(client, form), parser)
        }
        assert HOSTILE in routes


def test_promtool_has_no_complaint(store, client):
    write(store, DURATION, LABELS, observe=[0.1])
    write(store, "spotter.db.errors", {"db.alias": "a"}, count=2)
    for name, metric in METRICS.items():
        if metric.kind == "gauge":
            write(store, name, {"host.name": "a"}, gauge=0.5)
    text = scrape(client, "prometheus").encode()
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_broken_store_is_told_and_costs_only_what_it_holds(
    store, client, monkeypatch
):
    def refuse(names=None, **asked_for):
        raise StoreError("no room on the disk")

    monkeypatch.setattr(store, "cumulative", refuse)
    text = scrape(client)
    assert value(text, "spotter_store_up") == 0
    assert text.endswith("# EOF\n")


def test_what_was_read_is_good_for_a_moment(store, client, monkeypatch):
    asked: list[float] = []
    original = store.cumulative

    def counting(**asked_for):
        asked.append(time.time())
        return original(**asked_for)

    monkeypatch.setattr(store, "cumulative", counting)
    for _ in range(5):
        scrape(client)
    assert len(asked) == 1


def test_the_json_is_as_ever(store, client):
    write(store, DURATION, LABELS, observe=[0.1])
    assert "http" not in client.get("/metrics/?format=json").text


def test_every_documented_metric_is_in_the_catalogue_and_the_other_way_round():
    text = (
        (CHECKOUT / "docs/reference/metrics.md").read_text().partition("# Samples")[0]
    )
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    documented = {
        name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])
    }
    assert documented == set(METRICS)


def test_what_nothing_writes_is_documented_as_not_measured():
    """Neither a promise that nobody keeps nor a metric that is passed over."""
    written = "".join(
        path.read_text()
        for path in (CHECKOUT / "src" / "spotter").rglob("*.py")
        if path.name != "catalog.py" and "dashboard" not in path.parts
    )
    text = (CHECKOUT / "docs/reference/metrics.md").read_text()
    planned = text.partition("not measured yet")[2].partition("# Samples")[0]
    assert {name for name in METRICS if f'"{name}"' not in written} == {
        name for name in METRICS if f"`{name}`" in planned
    }


def test_names_are_translated_with_their_unit():
    assert exposed_name("a.b", Metric("histogram", "s", "")) == "a_b_seconds"
    assert exposed_name("a.bytes", Metric("gauge", "By", "")) == "a_bytes"
    assert exposed_name("a.use", Metric("gauge", "1", "")) == "a_use_ratio"
    assert exposed_name("workers.count", Metric("gauge", "", "")) == "workers"


def test_the_classic_buckets_agree_with_the_exponential_ones():
    values = [0.0007 * 1.3**n for n in range(40)]
    exact = Histogram(values)
    for bound in BOUNDS:
        assert exact.count - exact.count_above(bound) == sum(v <= bound for v in values)


@pytest.mark.parametrize(
    ("ago", "is_there"), [(GONE_SECONDS - 30, True), (GONE_SECONDS + 5, False)]
)
def test_nothing_is_told_of_a_host_that_is_gone(store, client, ago, is_there):
    host, at = {"host.name": "pod-7f9c"}, time.time() - ago
    write(store, "system.memory.utilization", host, gauge=0.97, at=at)
    write(store, "spotter.workers.oom_kills", host, count=2, at=at)
    write(store, "spotter.workers.oom_kills", {"host.name": "pod-a"}, count=1)
    text = scrape(client)
    assert ('host_name="pod-7f9c"' in text) is is_there
    assert value(text, "spotter_workers_oom_kills_total", host_name="pod-a") == 1


@pytest.mark.parametrize("form", ["openmetrics", "prometheus"])
def test_what_the_watcher_recorded_and_this_process_knows_too_is_there_once(
    client, store, form
):
    """A family that is there twice is refused by OpenMetrics' own parser."""
    client.get("/ready/")
    labels = {"check": "database", "kind": "database"}
    write(store, "spotter.health_check.up", labels, gauge=1)
    text = scrape(client, form)
    assert text.count("# TYPE spotter_health_check_up gauge") == 1
    assert 'spotter_health_check_up{check="database",kind="database"} 1' in text
    assert samples(scrape(client))
