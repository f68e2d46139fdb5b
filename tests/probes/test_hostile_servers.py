"""Monitors against servers that are slow, huge, wrong, elsewhere or badly certified."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time

import pytest

from spotter.probes import Http, Monitor, Tcp
from spotter.probes.attempt import _running
from tests.probes.authority import OK, Authority, dribbling, saying, serving
from tests.servers.processes import free_port, wait_until

HEAD = b"HTTP/1.1 200 OK\r\n"


def answer(body: bytes, *headers: bytes) -> bytes:
    length = b"Content-Length: %d" % len(body)
    return HEAD + b"\r\n".join([*headers, length, b"", body])


def probe(port: int, **options):
    return Http(name="it", url=f"http://127.0.0.1:{port}/", **options).probe()


@pytest.mark.parametrize("head", [b"", HEAD, HEAD + b"Content-Length: 999999\r\n\r\n"])
def test_a_server_that_sends_a_byte_now_and_then_is_given_up_in_time(head):
    monitor_options = {"timeout_seconds": 0.3, "contains": "never"}
    with serving(dribbling(head)) as port:
        found = probe(port, **monitor_options)
    assert found.problem == "no answer within 0.3 s"
    wait_until(lambda: not any(t.name == "spotter-probe" for t in threading.enumerate()), 10, "its thread's end")  # fmt: skip


def test_of_a_huge_body_a_part_is_read():
    begun = threading.Event()

    def endless(connection, over):
        connection.recv(65536)
        connection.sendall(HEAD + b"\r\nAll is well")
        while not over.is_set():
            connection.sendall(b"x" * 65536)
            begun.set()

    with serving(endless) as port:
        assert probe(port, contains="All is well").problem == ""
        assert probe(port, contains="ill").problem.startswith("the answer does not")


def test_a_small_answer_that_unpacks_to_a_huge_one_is_read_in_part():
    packed = gzip.compress(b"\0" * 200_000_000)
    with serving(saying(answer(packed, b"Content-Encoding: gzip"))) as port:
        assert probe(port, contains="x").problem == "the answer does not contain 'x'"


def test_an_answer_that_is_not_encoded_as_it_says_is_wrong():
    with serving(saying(answer(b"plain", b"Content-Encoding: gzip"))) as port:
        found = probe(port, contains="plain")
    assert found.problem == "the answer's Content-Encoding is wrong"


@pytest.mark.parametrize(
    "rubbish", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\0"]
)
def test_what_answers_no_http_is_down(rubbish):
    with serving(saying(rubbish)) as port:
        assert "connection was cut" in probe(port).problem


def test_a_log_in_page_behind_a_redirect_is_not_taken_for_the_page():
    login = b"HTTP/1.1 302 Found\r\nLocation: /\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with serving(saying(login)) as port:
        assert probe(port).problem == "status 302, not 200"
        assert probe(port, follow=3).problem == "status 302, not 200"


def test_a_token_does_not_follow_a_redirect_to_another_host():
    heard = []

    def elsewhere(connection, over):
        heard.append(connection.recv(65536))
        connection.sendall(OK)

    with serving(elsewhere) as other:
        moved = f"HTTP/1.1 302 Found\r\nLocation: http://localhost:{other}/\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        with serving(saying(moved.encode())) as port:
            headers = {"Authorization": "Token secret"}
            assert probe(port, follow=1, headers=headers).problem == ""
    assert heard
    assert b"secret" not in heard[0]


def test_ipv6_is_probed():
    with serving(saying(OK), socket.AF_INET6, "::1") as port:
        assert Http(name="it", url=f"http://[::1]:{port}/").probe().problem == ""
        assert Tcp(name="it", address=f"[::1]:{port}").probe().problem == ""


def test_a_name_that_is_none_is_said():
    found = Http(name="it", url="http://nowhere.invalid/").probe()
    assert found.problem == "no host of this name"


def test_a_refused_connection_is_said():
    assert probe(free_port()).problem == "no connection: Connection refused"


def test_the_environments_proxy_is_not_used_but_the_monitors_is(monkeypatch):
    asked = []

    def proxy(connection, over):
        asked.append(connection.recv(65536).split(b"\r\n")[0])
        connection.sendall(OK)

    with serving(proxy) as through, serving(saying(OK)) as port:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{through}")
        assert probe(port).problem == ""
        assert asked == []
        assert probe(port, proxy=f"http://127.0.0.1:{through}").problem == ""
    assert asked == [b"GET http://127.0.0.1:%d/ HTTP/1.1" % port]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@contextlib.contextmanager
def secured(authority, days):
    context = authority.context(days)

    def behave(connection, over):
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(OK)

    with serving(behave) as port:
        yield port


def test_the_expiry_of_a_certificate_is_read_from_the_same_connection(authority):
    with secured(authority, 3) as port:
        found = Http(
            name="it", url=f"https://127.0.0.1:{port}/", ca=str(authority.file)
        ).probe()
    assert found.problem == ""
    assert found.expires_at is not None
    assert 2.9 < (found.expires_at - time.time()) / 86400 < 3.1


def test_the_expiry_is_known_also_when_the_answer_is_wrong(authority):
    with secured(authority, 3) as port:
        found = Http(
            name="it", url=f"https://127.0.0.1:{port}/", ca=str(authority.file),
            expect=204,
        ).probe()  # fmt: skip
    assert found.problem == "status 200, not 204"
    assert found.expires_at is not None


@pytest.mark.parametrize(
    ("days", "trusted", "said"),
    [
        (-1, True, "the certificate is not valid: certificate has expired"),
        (3, False, "the certificate is not valid: self-signed certificate in"),
        (3, False, "the certificate is not valid: unable to get local issuer"),
    ],
)
def test_a_certificate_that_is_not_valid_is_down(authority, days, trusted, said):
    with secured(authority, days) as port:
        ca = str(authority.file) if trusted else ""
        found = [
            Http(name="a", url=f"https://127.0.0.1:{port}/", ca=ca).probe().problem,
            Tcp(name="b", address=f"127.0.0.1:{port}", tls=True, ca=ca).probe().problem,
        ]
    assert found[0] == found[1]
    assert found[0].startswith("the certificate is not valid: ")
    if trusted:
        assert found[0] == said


def test_a_certificate_of_another_host_is_down(authority):
    with secured(authority, 3) as port:
        found = Http(
            name="it", url=f"https://localhost:{port}/", ca=str(authority.file)
        ).probe()
    assert "not valid" in found.problem


def test_a_port_that_shakes_hands_gives_its_expiry(authority):
    with secured(authority, 5) as port:
        found = Tcp(
            name="it", address=f"127.0.0.1:{port}", tls=True, ca=str(authority.file)
        ).probe()
    assert (found.problem, bool(found.expires_at)) == ("", True)


def test_a_handshake_that_never_ends_is_given_up():
    with serving(dribbling(b"\x16\x03\x03\x10\x00")) as port:
        found = Tcp(
            name="it", address=f"127.0.0.1:{port}", tls=True, timeout_seconds=0.3
        ).probe()
    assert found.problem == "no answer within 0.3 s" or "no TLS" in found.problem


class Stuck(Monitor):
    """Hangs in something that can't be cut off, as a look-up of a name does."""

    started = 0
    release = threading.Event()

    def check(self):
        Stuck.started += 1
        Stuck.release.wait(30)


def test_of_a_monitor_that_can_not_be_stopped_there_is_one_thread():
    monitor = Stuck(name="it", timeout_seconds=0.1)
    found = [monitor.probe().problem for _ in range(4)]
    assert found == ["no answer within 0.1 s"] * 4
    assert Stuck.started == 1
    Stuck.release.set()
    wait_until(lambda: monitor.probe().problem == "", 10, "an answer")
    assert id(monitor) not in _running
