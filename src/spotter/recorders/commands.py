"""Time management commands, and count what they ask as a request's is counted."""

from __future__ import annotations

import functools
from typing import Any

from django.core.management.base import BaseCommand

from spotter.context import current
from spotter.recorders.pieces import Piece
from spotter.rescue import is_ignoring, rescue

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


def begin(command: BaseCommand) -> Piece | None:
    """Start to time a command; None for one that is not measured, or cannot be."""
    piece = None
    try:
        if is_watched(command):
            name = name_of_command(command)
            labels = {"command.name": name}
            piece = Piece("spotter.command.duration", labels, f"command {name}")
    except Exception:
        with rescue("time a command"):
            raise
    return piece


def end(
    piece: Piece | None, error: BaseException | None = None, *, failed: bool = False
) -> None:
    """Count a command that has ended, if it was timed."""
    try:
        if piece is not None:
            piece.end(error, failed=failed)
    except Exception:
        with rescue("count a command"):
            raise


def install() -> None:
    """Watch every command, once."""
    original = BaseCommand.execute
    if getattr(original, "is_watched", False):
        return

    @functools.wraps(original)
    def execute(self: BaseCommand, *args: Any, **options: Any) -> Any:
        piece = begin(self)
        try:
            result = original(self, *args, **options)
        except SystemExit as error:
            end(piece, failed=bool(error.code))
            raise
        except BaseException as error:
            end(piece, error)
            raise
        end(piece)
        return result

    execute.is_watched = True  # type: ignore[attr-defined]
    BaseCommand.execute = execute  # type: ignore[method-assign]
