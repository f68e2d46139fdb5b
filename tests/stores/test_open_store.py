"""A store is named by a URL."""

from __future__ import annotations

import contextlib

import pytest

from spotter.exceptions import ConfigurationError
from spotter.stores import open_store
from spotter.stores.sqlite import SqliteStore


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory://", "SqliteStore"),
        ("sqlite:////var/lib/app/spotter.db", "SqliteStore"),
        ("sqlite:///var/spotter.db", "SqliteStore"),
        ("postgresql://spotter@db/metrics", "PostgresqlStore"),
    ],
)
def test_a_url_names_a_store(url, kind):
    assert type(open_store(url)).__name__ == kind


@pytest.mark.parametrize("url", ["", "spotter.db", "mysql://db", "sqlite://"])
def test_a_url_that_names_none_is_refused_with_what_to_write(url):
    with pytest.raises(ConfigurationError, match="sqlite:///path"):
        open_store(url)


@pytest.mark.parametrize(
    ("version", "is_refused"),
    [((3, 34, 1), True), ((3, 35, 0), False), ((3, 45, 1), False)],
)
def test_an_sqlite_that_is_too_old_is_refused(monkeypatch, version, is_refused):
    monkeypatch.setattr("sqlite3.sqlite_version_info", version)
    refused = pytest.raises(ConfigurationError, match=r"needs SQLite 3\.35")
    with refused if is_refused else contextlib.nullcontext():
        open_store("sqlite:///var/spotter.db")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/lib/spotter.db", "/var/lib/spotter.db"),
        ("sqlite:///var/spotter.db", "var/spotter.db"),
    ],
)
def test_three_slashes_are_relative_and_four_absolute(url, path):
    store = open_store(url)
    assert isinstance(store, SqliteStore)
    assert store.path == path
