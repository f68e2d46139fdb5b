"""Homes of TrainerHub that are migrated and seeded once in a run, and copied."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable

import pytest

from tests.servers.once import made_once, shared_folder
from tests.servers.trainerhub import manage

NewHome = Callable[[], pathlib.Path]


def copy(made: pathlib.Path, home: pathlib.Path) -> pathlib.Path:
    """
    Copy databases, log-ins and logs; nobody runs there, so that files are whole.

    Spotter's own store is not among them: each test begins to record by itself.
    """
    ignored = shutil.ignore_patterns("spotter")
    return pathlib.Path(shutil.copytree(made, home, ignore=ignored, dirs_exist_ok=True))


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory) -> NewHome:
    """`migrated_home()` is a home whose SQLite database is migrated and empty."""

    def migrate(home: pathlib.Path) -> None:
        (home / "var").mkdir()
        manage(home, "migrate", "--verbosity", "0")

    def new() -> pathlib.Path:
        made = made_once(shared_folder(tmp_path_factory), "migrated", migrate)
        return copy(made, tmp_path_factory.mktemp("home"))

    return new


@pytest.fixture(scope="session")
def seeded_home(tmp_path_factory, migrated_home) -> NewHome:
    """`seeded_home()` is a home with the demo's data and log-ins, as after a start."""

    def seed(home: pathlib.Path) -> None:
        copy(migrated_home(), home)
        manage(home, "seed_demo")

    def new() -> pathlib.Path:
        made = made_once(shared_folder(tmp_path_factory), "seeded", seed)
        return copy(made, tmp_path_factory.mktemp("home"))

    return new
