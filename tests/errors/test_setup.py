"""What the environment says, and hooks composed with the project's own."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from django.core.checks import run_checks

from spotter.errors import environment, hooks, setup
from spotter.errors.release import find_release

NOWHERE = pathlib.Path("/nonexistent/project")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("0", 0.0), ("0.1", 0.1), ("1", 1.0),
        ("1.01", None), ("-0.1", None), ("nan", None), ("10%", None), ("", None),
    ],
)  # fmt: skip
def test_a_sample_rate_outside_0_to_1_is_ignored(monkeypatch, given, used):
    monkeypatch.setenv("SENTRY_TRACES_SAMPLE_RATE", given)
    assert environment.sample_rate() == used


@pytest.mark.parametrize(
    ("name", "given", "check"),
    [
        ("SENTRY_TRACES_SAMPLE_RATE", "1.1", "spotter.E042"),
        ("SENTRY_DSN", "https://sentry.example.com/7", "spotter.E041"),
        ("SENTRY_DSN", "not a dsn", "spotter.E041"),
    ],
)
def test_a_bad_variable_is_a_system_check(monkeypatch, name, given, check):
    monkeypatch.setenv(name, given)
    assert [found.id for found in run_checks(tags=["spotter"])] == [check]


def test_a_bad_dsn_does_not_start_the_sdk(monkeypatch):
    monkeypatch.setenv("SENTRY_DSN", "not a dsn")
    assert environment.dsn() == ""


def test_good_variables_pass_the_checks(monkeypatch):
    monkeypatch.setenv("SENTRY_DSN", "https://key@sentry.example.com/7")
    monkeypatch.setenv("SENTRY_TRACES_SAMPLE_RATE", "0.1")
    assert run_checks(tags=["spotter"]) == []


def test_environment_falls_back_to_the_setting(monkeypatch, settings):
    monkeypatch.delenv("SENTRY_ENVIRONMENT", raising=False)
    settings.SPOTTER = {"ENVIRONMENT": "staging"}
    assert setup.options("x")["environment"] == "staging"


def test_release_comes_from_a_variable_first(tmp_path):
    (tmp_path / "RELEASE").write_text("from the file")
    variables = {"SPOTTER_RELEASE": "1", "SOURCE_VERSION": "2"}
    assert find_release(variables, tmp_path) == "1"


@pytest.mark.parametrize("name", ["RELEASE", ".release", "VERSION"])
def test_release_comes_from_a_file_next(tmp_path, name):
    (tmp_path / name).write_text("shop@1.2.3\n")
    assert find_release({"SOURCE_VERSION": "2"}, tmp_path) == "shop@1.2.3"


def test_release_comes_from_the_platform_or_the_package_last():
    assert find_release({"SOURCE_VERSION": "2"}, NOWHERE, "django") == "2"
    assert "django@5" in str(find_release({}, NOWHERE, "django"))
    assert find_release({}, NOWHERE, "no-such-distribution") is None


def test_the_projects_own_hook_runs_first_and_is_scrubbed_too():
    options = {"before_send": lambda event, hint: event | {"extra": {"token": "x"}}}
    hooks.attach(options)
    sent = options["before_send"]({"message": "hello"}, {})
    assert sent["extra"] == {"token": "[Filtered]"}


def test_the_projects_own_hook_may_drop():
    options = {"before_send_log": lambda log, hint: None}
    hooks.attach(options)
    assert options["before_send_log"]({"body": "hello", "attributes": {}}, {}) is None


def test_attaching_twice_wraps_once():
    options: dict[str, Any] = {}
    hooks.attach(options)
    first = dict(options)
    hooks.attach(options)
    assert options == first
    assert set(first) == {
        "before_send", "before_send_transaction", "before_send_log",
        "before_send_metric", "before_send_span", "before_breadcrumb",
    }  # fmt: skip


def test_a_span_that_is_sent_by_itself_is_scrubbed():
    options: dict[str, Any] = {}
    hooks.attach(options)
    span = {"name": "to a@example.com", "attributes": {"user.email": "x", "n": 1}}
    sent = options["before_send_span"](span, {})
    assert sent == {"name": "to [Filtered]", "attributes": {"n": 1}}


def test_what_cannot_be_scrubbed_does_not_leave(monkeypatch, caplog):
    def fail(value):
        raise RuntimeError("broken")

    monkeypatch.setattr(hooks, "scrub", fail)
    options: dict[str, Any] = {}
    hooks.attach(options)
    assert options["before_send"]({"message": "hello"}, {}) is None
    assert options["before_send_span"]({"name": "x"}, {}) == {"name": "[Filtered]"}
    assert "could not scrub" in caplog.text
