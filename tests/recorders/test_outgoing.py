"""Calls to other servers are counted by host, whichever library makes them."""

from __future__ import annotations

import asyncio
import http.server
import subprocess
import sys
import threading
import types

import httpx
import pytest
import requests
import urllib3

from spotter.recorders import outgoing
from spotter.rescue import ignore
from spotter.spans import HttpSpan
from tests.kept import recorded
from tests.servers.processes import free_port

DURATION = "http.client.request.duration"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self):
        status = int(self.path.partition("?")[0].strip("/") or 200)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/200")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="module")
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def with_urllib3(url):
    with urllib3.PoolManager() as pool:
        return pool.request("GET", url, retries=False).status


def with_requests(url):
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=5, allow_redirects=False).status_code


def with_httpx(url):
    with httpx.Client(trust_env=False) as client:
        return client.get(url).status_code


def with_async_httpx(url):
    async def get():
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(url)).status_code

    return asyncio.run(get())


LIBRARIES = [with_urllib3, with_requests, with_httpx, with_async_httpx]


@pytest.mark.parametrize("call", LIBRARIES)
@pytest.mark.parametrize("status", [200, 404, 503])
def test_a_call_is_counted_once_with_its_status(kept, url, call, status):
    assert call(f"{url}/{status}?token=canary") == status
    found = recorded(
        DURATION, "server.address", "http.response.status_code", "error.type"
    )
    assert {group: p.count for group, p in found.items()} == {
        ("127.0.0.1", str(status), ""): 1
    }


@pytest.mark.parametrize("call", LIBRARIES)
def test_a_call_that_fails_fails_as_before_and_is_counted(kept, call):
    with pytest.raises(
        (urllib3.exceptions.HTTPError, requests.ConnectionError, httpx.ConnectError)
    ):
        call(f"http://127.0.0.1:{free_port()}/")
    found = recorded(DURATION, "http.response.status_code", "error.type")
    ((status, error),) = found
    assert (status, bool(error)) == ("", True)


def test_each_hop_of_a_redirect_is_a_call(kept, url):
    with httpx.Client(trust_env=False, follow_redirects=True) as client:
        assert client.get(f"{url}/302").status_code == 200
    assert recorded(DURATION)[()].count == 2


def test_a_call_is_a_span_of_the_work_in_hand(kept, url, request_context):
    with_urllib3(f"{url}/503")
    (span,) = request_context.spans
    assert isinstance(span, HttpSpan)
    assert (span.method, span.host, span.status) == ("GET", "127.0.0.1", 503)
    assert span.seconds > 0


def test_what_spotter_and_the_sdk_ask_is_not_counted(kept, url):
    with ignore():
        with_urllib3(url)
    errand = threading.Thread(
        target=with_urllib3, args=(url,), name="sentry-sdk.HttpTransport"
    )
    errand.start()
    errand.join()
    assert recorded(DURATION) == {}


def test_a_streamed_body_comes_as_before(kept, url):
    with httpx.Client(trust_env=False) as client, client.stream("GET", url) as answer:
        assert b"".join(answer.iter_bytes()) == b"ok"


def test_installing_twice_counts_once(kept, url):
    outgoing.install()
    outgoing.install()
    with_urllib3(url)
    assert recorded(DURATION)[()].count == 1


def answer(pool, connection, method, url, **rest):
    """What a call becomes whose answer is whatever somebody's pool makes of it."""
    return types.SimpleNamespace(status=rest["status"], method=method)


class Unnameable:
    """A host that is no text."""

    def __str__(self):
        raise ValueError("nobody knows")


def watched(method, host, status):
    """Make a call on a pool that was watched when it answered so."""
    pool = type("HTTPConnectionPool", (), {"_make_request": answer})
    module = types.ModuleType("urllib3")
    module.connectionpool = types.SimpleNamespace(  # type: ignore[attr-defined]
        HTTPConnectionPool=pool
    )
    outgoing.watch_urllib3(module)
    made = pool()
    made.host = host
    return made._make_request(None, method, "/", status=status)


def test_a_call_with_no_method_is_one_of_another(kept):
    assert watched(None, "There", 200).method is None
    found = recorded(DURATION, "http.request.method", "server.address")
    assert list(found) == [("_OTHER", "there")]


@pytest.mark.parametrize(
    ("host", "status"), [(Unnameable(), 200), ("there", "nothing"), ("there", None)]
)
def test_a_call_that_cannot_be_counted_comes_as_before(kept, host, status):
    assert watched("GET", host, status).status == status


PROGRAM = """
import sys, django
from django.conf import settings
settings.configure(INSTALLED_APPS=["spotter"], SPOTTER={"RECORDING": False})
django.setup()
assert "httpx" not in sys.modules, "imported for nothing"
import httpx
assert httpx.HTTPTransport.handle_request.is_watched
assert httpx.__spec__.name == "httpx"
"""
ASKED_FOR_FIRST = """
import importlib.util
assert importlib.util.find_spec("httpx") is not None
assert importlib.util.find_spec("no_such_library") is None
"""
#: One loader for all that is in an archive, which no attribute can be set on.
FROM_ELSEWHERE = """
import importlib.abc, importlib.machinery
class Sealed(importlib.abc.Loader):
    def __init__(self, of):
        self.__dict__["of"] = of
    def __setattr__(self, name, value):
        raise AttributeError(name)
    def create_module(self, spec):
        return self.of.create_module(spec)
    def exec_module(self, module):
        self.of.exec_module(module)
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and fullname == "httpx":
            spec.loader = Sealed(spec.loader)
        return spec
sys.meta_path.insert(1, Finder())
import httpx
assert httpx.HTTPTransport
"""


def test_a_library_is_watched_when_it_is_imported_and_not_before():
    run(PROGRAM)


def test_a_library_that_was_only_asked_for_is_watched_when_it_is_imported():
    head, _, rest = PROGRAM.partition("import httpx\n")
    run(f"{head}{ASKED_FOR_FIRST}import httpx\n{rest}")


def test_a_library_that_cannot_be_watched_can_be_imported():
    head, _, _ = PROGRAM.partition("import httpx\n")
    run(f"{head}{FROM_ELSEWHERE}")


def test_other_modules_of_one_loader_are_left_alone():
    watched: list[str] = []

    class Loader:
        def exec_module(self, module):
            """Load anything."""

    loader = Loader()
    for name in ("httpx", "urllib3"):
        outgoing.watch_when_loaded(loader, name, lambda m: watched.append(m.__name__))
    for name in ("json", "httpx", "urllib3"):
        loader.exec_module(types.ModuleType(name))
    assert watched == ["httpx", "urllib3"]


def run(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
