"""Backups are made while others write, proved by restoring, and reported."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from django.core.management import CommandError, call_command

from trainerhub.lib import happenings
from trainerhub.lib.backups import BackupFailed, back_up, forget_old

TABLE = "CREATE TABLE django_migrations (id integer)"
ROW = "INSERT INTO django_migrations VALUES (1)"


@pytest.fixture
def sqlite(tmp_path):
    path = tmp_path / "real.db"
    with sqlite3.connect(path) as connection:
        connection.execute(TABLE)
        connection.execute(ROW)
    connection.close()
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}


@pytest.fixture
def reports():
    heard = []

    def hear(**facts):
        heard.append({name: facts.get(name) for name in ("ok", "size", "output")})

    happenings.backup_ended.connect(hear)
    yield heard
    happenings.backup_ended.disconnect(hear)


def test_a_backup_of_sqlite_has_what_the_database_has(sqlite, tmp_path):
    path = back_up(sqlite, tmp_path / "backups")
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT COUNT(*) FROM django_migrations").fetchone() == (
        1,
    )
    connection.close()
    assert path.stat().st_mode & 0o077 == 0


def test_a_backup_of_postgresql_is_restored_beside_it(postgres, tmp_path):
    url = postgres.create_database("backed_up")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE)
        connection.execute(ROW)
        info = connection.info
        database = {
            "ENGINE": "django.db.backends.postgresql", "NAME": info.dbname,
            "HOST": info.host, "PORT": info.port, "USER": info.user,
        }  # fmt: skip
        assert back_up(database, tmp_path).stat().st_size > 0
        left = connection.execute(
            "SELECT COUNT(*) FROM pg_database WHERE datname LIKE 'restore_test%'"
        ).fetchone()
    assert left == (0,)


def test_an_empty_database_is_no_backup_and_leaves_nothing(sqlite, tmp_path):
    with sqlite3.connect(sqlite["NAME"]) as connection:
        connection.execute("DELETE FROM django_migrations")
    connection.close()
    with pytest.raises(BackupFailed, match="no applied migration"):
        back_up(sqlite, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_database_that_is_not_there_is_no_backup(tmp_path):
    missing = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "no.db")}
    with pytest.raises(BackupFailed):
        back_up(missing, tmp_path / "backups")


def test_the_latest_backups_are_kept(sqlite, tmp_path):
    made = [back_up(sqlite, tmp_path / "b") for _ in range(4)]
    assert forget_old(tmp_path / "b", 2) == made[:2]
    assert sorted((tmp_path / "b").iterdir()) == made[2:]


def test_the_command_reports_success_with_the_size(sqlite, tmp_path, settings, reports):
    settings.DATABASES["default"] = {**settings.DATABASES["default"], **sqlite}
    call_command("backup", to=tmp_path / "b", verbosity=0)
    assert [(each["ok"], bool(each["size"])) for each in reports] == [(True, True)]


def test_the_command_reports_failure_with_the_reason(tmp_path, settings, reports):
    missing = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "no.db")}
    settings.DATABASES["default"] = {**settings.DATABASES["default"], **missing}
    with pytest.raises(CommandError, match="no backup was made"):
        call_command("backup", to=tmp_path / "b")
    assert [each["ok"] for each in reports] == [False]


def test_the_command_refuses_to_keep_nothing(tmp_path):
    with pytest.raises(CommandError, match="1 or more"):
        call_command("backup", to=tmp_path / "b", keep=0)
