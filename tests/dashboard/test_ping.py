"""The address to which jobs report from wherever they run."""

from __future__ import annotations

import collections

import pytest
from django.test import Client

from spotter.alerts import jobs
from spotter.alerts.book import Book
from spotter.alerts.heartbeats import MAX_OUTPUT, Heartbeat
from spotter.dashboard import ping as pinging
from spotter.dashboard.ping import MAX_BODY_BYTES, PER_MINUTE, key_of
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore


@pytest.fixture
def book(tmp_path, settings, monkeypatch):
    monkeypatch.setattr(jobs, "declared", {})
    monkeypatch.setattr(pinging, "_lately", {})
    settings.SPOTTER = {
        "STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
        "HEARTBEATS": [Heartbeat(name="nightly", every_seconds=3600)],
        "FLUSH_SECONDS": 3600.0,
    }
    store = get_store()
    assert isinstance(store, SqlStore)
    yield Book(store)
    store.close()


def pings(book, name="nightly"):
    with book.reading() as page:
        return page.pings(name)


def post(suffix="", name="nightly", data=b"", **options):
    url = f"/spotter/ping/{key_of(name)}/{suffix}"
    client = Client(enforce_csrf_checks=True)
    return client.post(url, data=data, content_type="text/plain", **options)


@pytest.mark.parametrize(
    ("suffix", "kind", "code"),
    [
        ("", "success", None), ("success/", "success", None), ("start/", "start", None),
        ("fail/", "failure", None), ("0/", "success", 0), ("1/", "failure", 1),
        ("255/", "failure", 255),
    ],
)  # fmt: skip
def test_a_job_reports_its_start_success_failure_and_exit_code(
    book, suffix, kind, code
):
    assert post(f"{suffix}?size=5").status_code == 200
    (ping,) = pings(book)
    assert (ping.kind, ping.body["size"], ping.body.get("exit_code")) == (kind, 5, code)


@pytest.mark.parametrize("suffix", ["256/", "99999999999/", "fine/", "-1/"])
def test_an_end_that_says_nothing_known_is_told_what_there_is(book, suffix):
    answer = post(suffix)
    assert (answer.status_code, b"exit code" in answer.content) == (400, True)
    assert pings(book) == []


def test_of_the_output_the_end_is_kept(book):
    post("fail/", data=b"x" * (MAX_BODY_BYTES - 5) + b"\nboom")
    said = pings(book)[0].body["output"]
    assert said.endswith("boom")
    assert len(said) == MAX_OUTPUT


def test_a_body_beyond_the_limit_is_not_read(book):
    assert post(data=b"x" * MAX_BODY_BYTES + b"\nboom").status_code == 200
    assert "boom" not in pings(book)[0].body["output"]


def test_no_personal_data_of_a_jobs_output_is_kept(book):
    post("fail/", data=b"mail to canary@example.com failed, password=c4nary")
    said = pings(book)[0].body["output"]
    assert "canary@example.com" not in said
    assert "c4nary" not in said


@pytest.mark.parametrize(
    "key", ["nightly", "nightly:wrong", "other", "x" * 500, ":", "nightly:" + "A" * 43]
)
def test_a_key_that_is_none_is_not_found_and_reads_no_store(book, key, monkeypatch):
    monkeypatch.setattr(pinging, "get_store", lambda: pytest.fail("the store was read"))
    for suffix in ("", "start/", "nonsense/"):
        answer = Client().post(f"/spotter/ping/{key}/{suffix}")
        assert (answer.status_code, answer.content) == (404, b"unknown key\n")


def test_a_signature_is_compared_in_constant_time(book, monkeypatch):
    compared = []
    monkeypatch.setattr(
        "django.core.signing.constant_time_compare",
        lambda a, b: bool(compared.append(b)),  # type: ignore[func-returns-value]
    )
    Client().post("/spotter/ping/nightly:wrong/")
    Client().post("/spotter/ping/unheard-of:wrong/")
    assert len(compared) == 2


def test_a_key_is_in_no_log(book, caplog):
    with caplog.at_level("INFO"):
        post()
        post("nonsense/")
    signature = key_of("nightly").partition(":")[2]
    written = " ".join(str(vars(record)) for record in caplog.records)
    assert "/spotter/ping/nightly:" in written
    assert signature not in written


def test_a_job_that_is_gone_is_not_found(book):
    assert post(name="gone").status_code == 404


def test_a_job_that_another_process_registered_is_found(book):
    with book.writing() as page:
        jobs.enroll(page, [Heartbeat(name="elsewhere", every_seconds=60)], 1.0)
    assert post(name="elsewhere").status_code == 200
    assert len(pings(book, "elsewhere")) == 1


@pytest.mark.parametrize("method", ["get", "head", "put"])
def test_looking_at_the_address_reports_nothing_and_says_why(book, method):
    answer = getattr(Client(), method)(f"/spotter/ping/{key_of('nightly')}/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    if method != "head":
        assert b"preview" in answer.content
    assert pings(book) == []


def test_more_than_thirty_a_minute_are_refused_and_told_when_to_come(book, monkeypatch):
    for number in range(PER_MINUTE):
        assert not pinging.is_too_often("other", 100.0 + number)
    assert pinging.is_too_often("other", 159.9)
    assert not pinging.is_too_often("other", 160.0)
    full = collections.deque([1e12] * PER_MINUTE, maxlen=PER_MINUTE)
    monkeypatch.setattr(pinging, "_lately", {"nightly": full})
    answer = post()
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert pings(book) == []


def test_a_store_that_can_not_be_written_is_told_to_try_again(book, settings, tmp_path):
    settings.SPOTTER = {**settings.SPOTTER, "STORE": f"sqlite:///{tmp_path}"}
    assert post().status_code == 503
