"""The `LOGGING` setting: which logger goes to which file, at which level and size."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from spotter.exceptions import ConfigurationError

MEBIBYTE = 1024 * 1024
API_LOGGER = "spotter.api"
#: At DEBUG these say much, and nothing about the project.
QUIET = (
    "asyncio",
    "django.db.backends.schema",
    "django.template",
    "django.utils.autoreload",
    "environ",
    "urllib3",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """
    A log file; what is not given stays as it is by default.

    Args:
        name: its name in the directory.
        megabytes: the size, in units of 1,048,576 bytes, at which it is rotated; 0
            leaves that to another program.
        backups: how many rotated files are kept.
        format: "text" or "json".
    """

    name: str = ""
    megabytes: float | None = None
    backups: int | None = None
    format: Literal["text", "json"] | None = None


def config(
    directory: str | Path,
    *,
    production: bool,
    application: str | File = "application.log",
    errors: str | File = "errors.log",
    debug: str | File = "debug.log",
    workflows: Iterable[str] = (),
    workflows_file: str | File = "workflows.log",
    api: str | File = "api.log",
    console: Literal["auto", "human", "json", "off"] = "auto",
    loggers: Mapping[str, str] | None = None,
    limits: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Any]:
    """
    Build the value of Django's `LOGGING`; nothing is opened before the first line.

    Args:
        directory: where the files are; made when missing.
        production: `errors.log` instead of `debug.log`, and no DEBUG at all.
        workflows: the loggers that write to `workflows_file` and nowhere else but
            the console and, when it is serious, `errors`.
        console: "auto" is for people in development and JSON in production.
        loggers: levels of loggers by name, such as `{"urllib3": "WARNING"}`.
        limits: by logger, `{"per_second": 10}` or `{"sample": 0.1}` or both.

    Raises:
        ConfigurationError: an argument cannot be used.
    """
    workflow_loggers = checked_names(workflows)
    files = {
        "application": handler(directory, application, "application.log", 10, 5),
        "api": handler(directory, api, "api.log", 10, 5, "json"),
    }
    if production:
        files["errors"] = handler(directory, errors, "errors.log", 10, 5, level="ERROR")
    else:
        files["debug"] = handler(directory, debug, "debug.log", 10, 3, level="DEBUG")
    if workflow_loggers:
        files["workflows"] = handler(directory, workflows_file, "workflows.log", 5, 5)
    check_distinct(files)
    handlers = files | console_handler(console, production)
    for name, one in handlers.items():
        one["filters"] = (["limits"] if limits else []) + (
            [] if production else ["queries"]
        )
        if name == "console" and not production:
            one["filters"].append("own")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": "spotter.logs.formats.Text"},
            "human": {"()": "spotter.logs.formats.Text", "colour": True},
            "json": {"()": "spotter.logs.formats.Json"},
        },
        "filters": filters(limits, production),
        "handlers": handlers,
        "root": {
            "level": "INFO" if production else "DEBUG",
            "handlers": [name for name in handlers if name not in ("api", "workflows")],
        },
        "loggers": logger_levels(loggers or {}, production)
        | own_files(workflow_loggers, handlers),
    }


def checked_names(names: Iterable[str]) -> list[str]:
    if isinstance(names, str):
        raise ConfigurationError(
            f"workflows is the text {names!r}; give a set of logger names: "
            f"workflows={{{names!r}}}."
        )
    return sorted(names)


def handler(
    directory: str | Path,
    given: str | File,
    name: str,
    megabytes: float,
    backups: int,
    format_: str = "text",
    level: str = "INFO",
) -> dict[str, Any]:
    """Describe a file's handler: what was given, and the defaults for the rest."""
    file = File(name=given) if isinstance(given, str) else given
    name = file.name or name
    size = megabytes if file.megabytes is None else file.megabytes
    count = backups if file.backups is None else file.backups
    check_file(name, size, count, file.format or format_)
    return {
        "class": "spotter.logs.files.RotatingFile",
        "filename": str(Path(directory) / name),
        "max_bytes": int(size * MEBIBYTE),
        "backups": count,
        "formatter": file.format or format_,
        "level": level,
    }


def check_file(name: str, megabytes: float, backups: int, format_: str) -> None:
    if Path(name).name != name:
        raise ConfigurationError(
            f"The log file {name!r} is not a plain name; put its directory into the "
            "argument directory."
        )
    if megabytes < 0 or backups < 1:
        raise ConfigurationError(
            f"{name}: megabytes={megabytes}, backups={backups}; the size cannot be "
            "negative (0 leaves rotation to others) and at least 1 backup is kept."
        )
    if format_ not in ("text", "json"):
        raise ConfigurationError(f'{name}: format={format_!r}; it is "text" or "json".')


def check_distinct(files: dict[str, dict[str, Any]]) -> None:
    names = [file["filename"] for file in files.values()]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigurationError(
            f"Two log files have the name {sorted(twice)[0]}; give each its own."
        )


def console_handler(console: str, production: bool) -> dict[str, dict[str, Any]]:
    """Describe the console's handler, which writes to stderr."""
    formatter = ("json" if production else "human") if console == "auto" else console
    if formatter not in ("human", "json", "off"):
        raise ConfigurationError(
            f'console={console!r}; it is "auto", "human", "json" or "off".'
        )
    if formatter == "off":
        return {}
    return {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": formatter,
            "level": "INFO" if production else "DEBUG",
        }
    }


def filters(limits: Any, production: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if limits:
        found["limits"] = {
            "()": "spotter.logs.limits.Limits",
            "limits": {name: dict(limit) for name, limit in limits.items()},
        }
    if not production:
        found["queries"] = {"()": "spotter.logs.queries.QueryFilter"}
        found["own"] = {"()": "spotter.logs.own.WithoutOwnDebug"}
    return found


def logger_levels(levels: Mapping[str, str], production: bool) -> dict[str, Any]:
    """Give levels by logger; Django's own handlers make way for ours."""
    found: dict[str, Any] = {
        "django": {"level": "INFO", "handlers": [], "propagate": True},
        "django.server": {"level": "INFO", "handlers": [], "propagate": True},
        "django.db.backends": {"level": "INFO" if production else "DEBUG"},
    }
    found |= {name: {"level": "INFO"} for name in QUIET}
    for name, level in levels.items():
        found[name] = found.get(name, {}) | {"level": level}
    return found


def own_files(workflows: list[str], handlers: dict[str, Any]) -> dict[str, Any]:
    """Give the loggers that have a file of their own, apart from the application's."""
    beside = [name for name in ("console", "errors", "debug") if name in handlers]
    found: dict[str, Any] = {
        name: {"level": "INFO", "handlers": ["workflows", *beside], "propagate": False}
        for name in workflows
    }
    found[API_LOGGER] = {"level": "INFO", "handlers": ["api"], "propagate": False}
    return found
