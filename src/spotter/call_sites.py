"""Which line of the project's own code is at work."""

from __future__ import annotations

import asyncio
import functools
import os
import sysconfig
from types import FrameType
from typing import Any

import django
from django.core.handlers.base import BaseHandler

from spotter.spans import Site

#: Frames looked at; a call from deep within templates has about sixty.
MAX_FRAMES = 200

_NOT_THE_PROJECT = tuple(
    os.path.join(path, "")
    for path in {
        *(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib")),
        os.path.dirname(django.__file__),
        os.path.dirname(__file__),
    }
)


#: What calls a view. Beyond it are middleware, which call every view: none of them is the
#: line that a view of Django's, or of a package's, asks at.
_handler: Any = BaseHandler
CALLER, ASYNC_CALLER = (
    each.__code__ for each in (_handler._get_response, _handler._get_response_async)
)


def project_frame(frame: FrameType | None) -> FrameType | None:
    """Give the innermost frame of the project's own code, within the view."""
    for _ in range(MAX_FRAMES):
        if frame is None or is_project(frame.f_code.co_filename):
            return frame
        if frame.f_code is CALLER or frame.f_code is ASYNC_CALLER:
            return None
        frame = frame.f_back
    return None


def call_site(frame: FrameType | None) -> str:
    """Give the innermost line of the project's own code, as `file:line function`."""
    found = project_frame(frame)
    if found is None:
        return "-"
    return site_text(found.f_code.co_filename, found.f_lineno, found.f_code.co_name)


def awaiting_site(task: asyncio.Task[Any]) -> Site | None:
    """Give the innermost line of the project's own that a task is waiting in."""
    found: Site | None = None
    waiting: Any = task.get_coro()
    for _ in range(MAX_FRAMES):
        frame = getattr(waiting, "cr_frame", None)
        if frame is None:
            break  # What it waits for is not a coroutine but a future.
        if frame.f_code is ASYNC_CALLER:
            found = None  # Up to here they were middleware.
        if is_project(frame.f_code.co_filename):
            found = (frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        waiting = waiting.cr_await
    return found


def site_text(path: str, line: int, function: str) -> str:
    """Write a place as `file:line function`."""
    return f"{short(path)}:{line} {function}"


@functools.lru_cache(maxsize=4096)
def is_project(path: str) -> bool:
    """Whether a source file is the project's own: not installed, and not generated."""
    return not path.startswith((*_NOT_THE_PROJECT, "<"))


@functools.lru_cache(maxsize=4096)
def short(path: str) -> str:
    """Give a path relative to where the server was started, if it lies below."""
    below = os.path.relpath(path)
    return path if below.startswith(os.pardir) else below
