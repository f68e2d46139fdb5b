"""What Spotter itself does wrong breaks nothing, and fills no disk."""

from __future__ import annotations

import uuid

import pytest

from spotter import rescue


def fail(doing: str, times: int = 1) -> None:
    for _ in range(times):
        with rescue.rescue(doing):
            raise LookupError("nobody knows")


def test_what_goes_wrong_is_logged_with_its_stack(caplog):
    fail("count to one")
    (record,) = caplog.records
    assert record.getMessage() == "spotter could not count to one"
    assert record.exc_info[0] is LookupError


@pytest.mark.parametrize(
    ("times", "logged"),
    [
        (rescue.MAX_TOLD, rescue.MAX_TOLD),
        (rescue.MAX_TOLD + 1, rescue.MAX_TOLD),
        (500, rescue.MAX_TOLD),
    ],
)
def test_what_goes_wrong_with_every_query_is_logged_a_few_times(caplog, times, logged):
    fail(uuid.uuid4().hex, times)
    assert len(caplog.records) == logged


def test_how_often_it_went_wrong_is_told_when_it_does_again(caplog, monkeypatch):
    doing = uuid.uuid4().hex
    fail(doing, rescue.MAX_TOLD + 7)
    caplog.clear()
    monkeypatch.setattr(rescue, "TOLD_SECONDS", 0.0)
    fail(doing)
    assert [record.getMessage() for record in caplog.records] == [
        f"spotter could not {doing}, 7 more times",
        f"spotter could not {doing}",
    ]


def test_no_more_kinds_are_remembered_than_there_can_be(monkeypatch):
    monkeypatch.setattr(rescue, "_told", {})
    monkeypatch.setattr(rescue, "MAX_KINDS", 3)
    for number in range(10):
        fail(f"do {number}")
        assert len(rescue._told) <= 3
