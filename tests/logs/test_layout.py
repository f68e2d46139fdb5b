"""The `LOGGING` setting: the promised files, levels, sizes and counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spotter import logs
from spotter.exceptions import ConfigurationError

MB = 1024 * 1024


def files(**arguments: Any) -> dict[str, tuple[Any, ...]]:
    made = logs.config("logs", workflows={"flows"}, **arguments)["handlers"]
    return {
        one["filename"]: (
            one["level"],
            one["max_bytes"],
            one["backups"],
            one["formatter"],
        )
        for one in made.values()
        if "filename" in one
    }


def test_production_has_the_promised_files():
    assert files(production=True, application="trainerhubb.log") == {
        "logs/trainerhubb.log": ("INFO", 10 * MB, 5, "text"),
        "logs/errors.log": ("ERROR", 10 * MB, 5, "text"),
        "logs/workflows.log": ("INFO", 5 * MB, 5, "text"),
        "logs/api.log": ("INFO", 10 * MB, 5, "json"),
    }


def test_development_has_debug_instead_of_errors():
    made = files(production=False)
    assert made["logs/debug.log"] == ("DEBUG", 10 * MB, 3, "text")
    assert "logs/errors.log" not in made


def test_names_sizes_counts_and_formats_are_arguments():
    given = logs.File(name="b.log", megabytes=1, backups=2, format="json")
    assert files(production=True, api=given)["logs/b.log"] == ("INFO", MB, 2, "json")


@pytest.mark.parametrize(
    ("console", "production", "formatter"),
    [("auto", True, "json"), ("auto", False, "human"), ("json", False, "json")],
)
def test_the_console_is_for_people_or_programs(console, production, formatter):
    made = logs.config("logs", production=production, console=console)
    assert made["handlers"]["console"]["formatter"] == formatter


@pytest.mark.parametrize(
    "wrong",
    [
        {"console": "colour"},
        {"api": "../api.log"},
        {"api": "errors.log"},
        {"api": logs.File(backups=0)},
        {"api": logs.File(format="xml")},  # type: ignore[arg-type]
        {"workflows": "flows"},
    ],
)
def test_a_wrong_argument_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        logs.config("logs", production=True, **wrong)


SCRIPT = """
import logging, logging.config, sys
from spotter import logs
made = logs.config(sys.argv[1], production=sys.argv[2] == "True", workflows={"flows"})
logging.config.dictConfig(made)
assert "django.apps" not in sys.modules or sys.argv[2] != "True"
logging.getLogger("app").debug("a debug line")
logging.getLogger("app").info("an info line")
logging.getLogger("app").error("an error line")
logging.getLogger("flows.one").info("a flow line")
logging.getLogger("spotter.api").info("an api line")
logging.getLogger("django.db.backends").debug("a query line")
"""


def written(directory: Path, production: bool) -> dict[str, list[str]]:
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(directory), str(production)],
        check=True,
        capture_output=True,
    )
    return {
        file.name: [
            line
            for line in ("debug", "info", "error", "flow", "api", "query")
            if f" {line} line" in file.read_text()
        ]
        for file in directory.glob("*.log")
    }


def test_each_line_goes_to_its_files_in_production(tmp_path):
    assert written(tmp_path, True) == {
        "application.log": ["info", "error"],
        "errors.log": ["error"],
        "workflows.log": ["flow"],
        "api.log": ["api"],
    }


def test_each_line_goes_to_its_files_in_development(tmp_path):
    assert written(tmp_path, False) == {
        "application.log": ["info", "error"],
        "debug.log": ["debug", "info", "error", "flow", "query"],
        "workflows.log": ["flow"],
        "api.log": ["api"],
    }


def test_an_unusable_directory_does_not_stop_the_application(tmp_path):
    (tmp_path / "file").write_text("")
    assert written(tmp_path / "file" / "logs", True) == {}


ON_THE_CONSOLE = """
import logging, logging.config, sys
from spotter import logs
logging.config.dictConfig(logs.config(sys.argv[1], production=False))
for name in ("app", "spotter.watcher"):
    logging.getLogger(name).debug("a debug line of %s", name)
    logging.getLogger(name).warning("a warning of %s", name)
"""


def test_what_spotter_does_all_the_time_is_in_debug_log_and_not_on_the_console(
    tmp_path,
):
    done = subprocess.run(
        [sys.executable, "-c", ON_THE_CONSOLE, str(tmp_path)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    everything = (tmp_path / "debug.log").read_text()
    for line in ("debug line of app", "warning of app", "warning of spotter.watcher"):
        assert line in done.stderr
        assert line in everything
    assert "debug line of spotter.watcher" not in done.stderr
    assert "debug line of spotter.watcher" in everything
