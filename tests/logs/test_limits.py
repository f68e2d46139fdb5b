"""Sampling and rate limits, and that what they suppress is told."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from spotter.exceptions import ConfigurationError
from spotter.logs.limits import Limits
from tests.servers.processes import wait_until


def record(name: str = "noisy.deep", level: int = logging.INFO) -> logging.LogRecord:
    return logging.makeLogRecord({"name": name, "levelno": level})


def passed(limits: Limits, count: int, **fields: Any) -> int:
    return sum(limits.filter(record(**fields)) for _ in range(count))


def test_so_many_a_second_pass():
    assert passed(Limits({"noisy": {"per_second": 3}}), 10) == 3


def test_the_second_second_passes_as_many():
    limits = Limits({"noisy": {"per_second": 3}})
    passed(limits, 10)
    limits.limits["noisy"].filled_at -= 1
    assert passed(limits, 10) == 3


@pytest.mark.parametrize(("share", "count"), [(0, 0), (1, 50)])
def test_a_share_passes(share, count):
    assert passed(Limits({"noisy": {"sample": share}}), 50) == count


@pytest.mark.parametrize(
    ("level", "count"), [(logging.WARNING, 0), (logging.ERROR, 5), (50, 5)]
)
def test_errors_are_never_held_back(level, count):
    assert passed(Limits({"noisy": {"sample": 0}}), 5, level=level) == count


def test_another_logger_is_not_limited():
    assert passed(Limits({"noisy": {"sample": 0}}), 5, name="noisyother") == 5


def test_all_handlers_of_a_record_decide_alike():
    limits, one = Limits({"noisy": {"per_second": 1}}), record()
    assert [limits.filter(one), limits.filter(one)] == [True, True]


def test_the_suppressed_are_told_in_one_line(caplog):
    limits = Limits({"noisy": {"sample": 0}}, interval_seconds=0.05)
    passed(limits, 7)
    wait_until(lambda: bool(caplog.records), 5, "the line")
    assert "7 records" in caplog.text


@pytest.mark.parametrize("wrong", [{"per_second": 0}, {"sample": 2}, {"persecond": 1}])
def test_a_wrong_limit_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        Limits({"noisy": wrong})
