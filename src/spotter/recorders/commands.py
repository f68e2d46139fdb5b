"""Time management commands, and count what they ask as a request's is counted."""

from __future__ import annotations

import functools
from typing import Any

from django.core.management.base import BaseCommand

from spotter.context import current
from spotter.recorders.pieces import Piece
from spotter.rescue import is_ignoring

#: Commands that serve, work or wait until they are stopped, and Spotter's own.
PASSED_OVER = frozenset((
    "runserver", "testserver", "serve", "shell", "dbshell", "test", "db_worker",
    "rqworker", "celery", "spotter", "check", "help", "version",
))  # fmt: skip


def name_of_command(command: BaseCommand) -> str:
    """A command's name: that of its module."""
    return type(command).__module__.rpartition(".")[2]


def is_watched(command: BaseCommand) -> bool:
    """Whether a command is measured: not inside other work, which counts it itself."""
    return (
        name_of_command(command) not in PASSED_OVER
        and current() is None
        and not is_ignoring()
    )


def install() -> None:
    """Watch every command, once."""
    original = BaseCommand.execute
    if getattr(original, "is_watched", False):
        return

    @functools.wraps(original)
    def execute(self: BaseCommand, *args: Any, **options: Any) -> Any:
        if not is_watched(self):
            return original(self, *args, **options)
        name = name_of_command(self)
        piece = Piece(
            "spotter.command.duration", {"command.name": name}, f"command {name}"
        )
        try:
            result = original(self, *args, **options)
        except SystemExit as error:
            piece.end(failed=bool(error.code))
            raise
        except BaseException as error:
            piece.end(error)
            raise
        piece.end()
        return result

    execute.is_watched = True  # type: ignore[attr-defined]
    BaseCommand.execute = execute  # type: ignore[method-assign]
