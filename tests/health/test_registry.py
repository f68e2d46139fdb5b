"""Which checks the settings make."""

from __future__ import annotations

import logging

import pytest

from spotter.conf import Settings
from spotter.health import HealthCheck, SkipProbes
from spotter.health.cache import CacheCheck
from spotter.health.registry import load


class WarehouseCheck(HealthCheck):
    """A project's own check."""

    name = "warehouse"

    def run(self):
        return "Open"


def test_the_defaults_look_at_everything_that_django_knows():
    names = [check.name for check in load(Settings().health_checks)]
    assert names == [
        *("database", "database:other", "cache", "email", "sms", "migrations", "disk")
    ]


@pytest.mark.parametrize(
    "entry",
    [
        f"{__name__}.WarehouseCheck",
        WarehouseCheck,
        WarehouseCheck(),
        lambda: [WarehouseCheck()],
    ],
)
def test_a_check_can_be_named_in_four_ways(entry):
    assert [check.name for check in load([entry])] == ["warehouse"]


def test_a_later_check_of_the_same_name_stands():
    checks = load([*Settings().health_checks, CacheCheck(critical=True)])
    assert [c.critical for c in checks if c.name == "cache"] == [True]


@pytest.mark.parametrize(
    "arguments",
    [
        ({"U": "/ready/"},),
        ("127.0.0.1:1", "GET", "/ready/?a=b", "1.1", 200),
        ("GET /ready/ HTTP/1.1", "200", "17"),
    ],
)
def test_access_lines_of_probes_are_left_out(arguments):
    record = logging.LogRecord("access", 20, "", 0, "", arguments, None)
    assert not SkipProbes().filter(record)


def test_other_access_lines_are_kept():
    line = ({"U": "/api/"},)
    assert SkipProbes().filter(logging.LogRecord("access", 20, "", 0, "", line, None))
    assert SkipProbes().filter(logging.LogRecord("app", 20, "", 0, "plain", (), None))
