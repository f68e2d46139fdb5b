"""Which exception made a request fail, when Django has turned it into a response."""

from __future__ import annotations

import sys
from typing import Any

from django.core.signals import got_request_exception

from spotter.context import current
from spotter.recorders.api_log import name_of


def note_exception(**kwargs: Any) -> None:
    """Keep the class of the exception that Django is answering with a 500."""
    context = current()
    kind = sys.exc_info()[0]
    if context is not None and kind is not None:
        context.exception = name_of(kind)


def install() -> None:
    """Listen for exceptions, once."""
    got_request_exception.connect(note_exception, dispatch_uid="spotter")
