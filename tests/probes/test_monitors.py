"""Monitors: what counts as an answer, and what does not."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spotter.probes import Http, Tcp
from tests.servers.processes import free_port

PAGES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/health/": (200, {}, b'{"status": "healthy", "checks": [{"name": "db"}]}'),
    "/degraded/": (200, {}, b'{"status": "degraded"}'),
    "/text/": (200, {}, b"All is well"),
    "/down/": (503, {}, b""),
    "/me/": (200, {}, b"{}"),
    "/stranger/": (401, {}, b""),
    "/login/": (302, {"Location": "/text/"}, b""),
}


@pytest.fixture(scope="module")
def url():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/slow/":
                time.sleep(1)
            answer = PAGES.get(self.path, PAGES["/stranger/"])
            if self.path == "/me/" and self.headers["Authorization"] != "Token t":
                answer = PAGES["/stranger/"]
            status, headers, body = answer
            with contextlib.suppress(BrokenPipeError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "options", "problem"),
    [
        ("/health/", {}, ""),
        ("/health/", {"json": {"status": "healthy"}}, ""),
        ("/health/", {"json": {"checks.0.name": "db"}}, ""),
        (
            "/health/",
            {"json": {"checks.1.name": "db"}},
            "checks.1.name is nothing, not 'db'",
        ),
        (
            "/degraded/",
            {"json": {"status": "healthy"}},
            "status is 'degraded', not 'healthy'",
        ),
        ("/text/", {"json": {"status": "healthy"}}, "the answer is no JSON"),
        ("/text/", {"contains": "well"}, ""),
        ("/text/", {"contains": "ill"}, "the answer does not contain 'ill'"),
        ("/text/", {"matches": "^All .* well$"}, ""),
        ("/text/", {"matches": "^well"}, "the answer does not match '^well'"),
        ("/down/", {}, "status 503, not 200"),
        ("/down/", {"expect": (200, 503)}, ""),
        ("/login/", {}, "status 302, not 200"),
        ("/login/", {"follow": 1}, ""),
        ("/me/", {}, "status 401, not 200"),
        ("/me/", {"headers": {"Authorization": "Token t"}}, ""),
        ("/slow/", {"timeout_seconds": 0.2}, "no answer within 0.2 s"),
    ],
)
def test_an_answer_is_the_expected_one_or_the_problem_is_named(
    url, path, options, problem
):
    assert Http(name="it", url=url + path, **options).probe().problem == problem


def test_a_token_is_not_shown_by_a_monitor():
    monitor = Http(
        name="it", url="http://x/", headers={"Authorization": "Token secret"}
    )
    assert "secret" not in repr(monitor)


def test_a_refused_connection_is_down():
    assert Tcp(name="it", address=f"127.0.0.1:{free_port()}").probe().problem


def test_a_port_that_takes_connections_is_up():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert Tcp(name="it", address=address).probe().problem == ""


def test_a_port_without_tls_is_down_for_a_monitor_that_wants_it():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        found = Tcp(name="it", address=address, tls=True, timeout_seconds=0.2).probe()
    assert found.problem
