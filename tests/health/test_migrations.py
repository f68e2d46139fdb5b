"""Pending migrations are told until they are applied."""

from __future__ import annotations

import pytest
from django.db import connections

from spotter.health import Unhealthy
from spotter.health.migrations import MigrationsCheck, default_database


@pytest.mark.django_db
def test_a_migrated_database_is_up_to_date():
    assert MigrationsCheck().run() == "Up to date"


def test_an_empty_database_lacks_every_migration(tmp_path, django_db_blocker):
    connections.settings["empty"] = connections.settings["default"] | {
        "NAME": str(tmp_path / "empty.db")
    }
    try:
        with django_db_blocker.unblock(), pytest.raises(Unhealthy) as caught:
            MigrationsCheck("empty").run()
        assert caught.value.message == "Unapplied migrations"
        assert "auth.0001_initial" in caught.value.detail
    finally:
        del connections.settings["empty"]


@pytest.mark.django_db
def test_what_is_applied_is_not_asked_again(monkeypatch):
    check = MigrationsCheck()
    check.run()
    monkeypatch.setattr("spotter.health.migrations.unapplied", lambda alias: ["a.0001"])
    assert check.run() == "Up to date"


def test_a_project_without_a_database_has_no_migrations_to_check(monkeypatch):
    monkeypatch.setattr("spotter.health.migrations.is_used", lambda alias: False)
    assert default_database() == []


def test_the_default_database_is_checked():
    assert [check.name for check in default_database()] == ["migrations"]
