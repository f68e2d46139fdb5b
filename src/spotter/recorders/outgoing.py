"""Count and time calls to other servers, made with urllib3, requests or httpx."""

from __future__ import annotations

import functools
import importlib.abc
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from time import perf_counter
from types import ModuleType
from typing import Any

from spotter import recording
from spotter.context import current
from spotter.rescue import is_ignoring, rescue
from spotter.spans import HttpSpan

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
#: Threads whose calls are Spotter's or the SDK's own errands.
ERRANDS = ("sentry-sdk", "spotter-")


def begin(method: object, host: object) -> HttpSpan | None:
    """Start to time a call; None for one that is not the application's."""
    span = None
    try:
        is_errand = threading.current_thread().name.startswith(ERRANDS)
        if not is_ignoring() and not is_errand:
            known = str(method).upper()
            known = known if known in METHODS else "_OTHER"
            span = HttpSpan(perf_counter(), known, str(host).lower())
    except Exception:
        with rescue("time a call to another server"):
            raise
    return span


def end(span: HttpSpan | None, status: Any = 0, error: str = "") -> None:
    """Count a call, whose answer's head has come or which failed."""
    if span is None:
        return
    try:
        span.seconds = perf_counter() - span.started
        span.status, span.error = int(status or 0), error
        labels = {
            "server.address": span.host,
            "http.request.method": span.method,
            "http.response.status_code": span.status or "",
            "error.type": error,
        }
        recording.observe("http.client.request.duration", span.seconds, labels)
        work = current()
        if work is not None:
            work.put_span(span)
    except Exception:
        with rescue("count a call to another server"):
            raise


def watch_urllib3(module: ModuleType) -> None:
    """One attempt on one connection: what requests, botocore and many others end in."""
    pool: Any = module.connectionpool.HTTPConnectionPool
    original = pool._make_request
    if getattr(original, "is_watched", False):
        return

    @functools.wraps(original)
    def _make_request(
        self: Any, conn: Any, method: str, *args: Any, **kwargs: Any
    ) -> Any:
        span = begin(method, self.host)
        try:
            response = original(self, conn, method, *args, **kwargs)
        except BaseException as error:
            end(span, error=type(error).__name__)
            raise
        end(span, getattr(response, "status", 0))
        return response

    _make_request.is_watched = True  # type: ignore[attr-defined]
    pool._make_request = _make_request


def watch_httpx(module: ModuleType) -> None:
    """One request on one connection, below redirects and retries."""
    sync, asynchronous = module.HTTPTransport, module.AsyncHTTPTransport
    if getattr(sync.handle_request, "is_watched", False):
        return
    handle, ahandle = sync.handle_request, asynchronous.handle_async_request

    @functools.wraps(handle)
    def handle_request(self: Any, request: Any) -> Any:
        span = begin(request.method, request.url.host)
        try:
            response = handle(self, request)
        except BaseException as error:
            end(span, error=type(error).__name__)
            raise
        end(span, response.status_code)
        return response

    @functools.wraps(ahandle)
    async def handle_async_request(self: Any, request: Any) -> Any:
        span = begin(request.method, request.url.host)
        try:
            response = await ahandle(self, request)
        except BaseException as error:
            end(span, error=type(error).__name__)
            raise
        end(span, response.status_code)
        return response

    handle_request.is_watched = True  # type: ignore[attr-defined]
    sync.handle_request = handle_request
    asynchronous.handle_async_request = handle_async_request


#: What is watched once the project imports it.
WATCHED: dict[str, Callable[[ModuleType], None]] = {
    "urllib3": watch_urllib3,
    "httpx": watch_httpx,
}


class Lookout(importlib.abc.MetaPathFinder):
    """
    Waits for a library to be imported, and watches it then.

    Importing it here would make every project pay for libraries that it may never use.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Give the library's own spec, whose loader also watches."""
        watch = WATCHED.get(fullname)
        if watch is None:
            return None
        spec = others_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            with rescue(f"watch {fullname}"):
                watch_when_loaded(spec.loader, fullname, watch)
        # It goes on looking out: who asks for a spec need not import by it.
        return spec


def others_spec(
    fullname: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    """Where the library is, by whoever else finds modules."""
    for finder in list(sys.meta_path):
        find = (
            None if isinstance(finder, Lookout) else getattr(finder, "find_spec", None)
        )
        spec: ModuleSpec | None = find(fullname, path, target) if find else None
        if spec is not None:
            return spec
    return None


def watch_when_loaded(
    loader: Any, fullname: str, watch: Callable[[ModuleType], None]
) -> None:
    """Have a loader watch a module that it has loaded; it may load others too."""
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        if module.__name__ == fullname:
            with rescue(f"watch {fullname}"):
                watch(module)

    loader.exec_module = exec_module


def install() -> None:
    """Watch what is imported, and look out for the rest, once."""
    for name, watch in WATCHED.items():
        module = sys.modules.get(name)
        if module is not None:
            with rescue(f"watch {name}"):
                watch(module)
    if not any(isinstance(finder, Lookout) for finder in sys.meta_path):
        sys.meta_path.insert(0, Lookout())
