"""Memcached tells its size, memory, evictions and policy, whatever becomes of it."""

from __future__ import annotations

import socket
import threading

import pytest
from django.core.cache import cache

from spotter.recorders.cache_servers.memcached import place_of
from tests.kept import recorded
from tests.servers.memcached import running_memcached
from tests.servers.processes import program, running

KIND = "memcached.PyMemcacheCache"


def last(name):
    return recorded(name)[()].last


def total(name):
    return recorded(name, "cache.alias")["default"].sum


def test_size_memory_and_lookups_are_read(memcached, place):
    watch = place(KIND, memcached.location)
    watch.look()
    cache.set_many({"a": 1, "b": 2, "c": 3})
    cache.get("a")
    cache.get("nobody")
    watch.look()
    assert last("spotter.cache.entries") == 3
    assert 0 < last("spotter.cache.memory.usage") < 1000
    assert last("spotter.cache.memory.limit") == 2 * 1024**2
    assert total("spotter.cache.server.hits") == 1
    assert total("spotter.cache.server.misses") == 1
    assert total("spotter.cache.evictions") == 0


def test_real_evictions_are_counted(memcached, place):
    watch = place(KIND, memcached.location)
    watch.look()
    for number in range(3000):
        cache.set(f"large-{number}", "x" * 2000)
    watch.look()
    assert total("spotter.cache.evictions") > 0
    kinds = recorded("spotter.cache.server.policy", "cache.system", "cache.policy")
    assert list(kinds) == [("memcached", "lru")]


def test_one_that_refuses_instead_of_evicting_says_so(place):
    with running_memcached(None, "--disable-evictions") as server:
        place(KIND, server.location).look()
    kinds = recorded("spotter.cache.server.policy", "cache.policy")
    assert list(kinds) == ["noeviction"]


def test_the_servers_of_one_cache_add_up(memcached, place):
    with running_memcached() as other:
        watch = place(KIND, [memcached.location, other.location])
        cache.set_many({f"key-{number}": number for number in range(50)})
        watch.look()
    assert last("spotter.cache.entries") == 50
    assert last("spotter.cache.memory.limit") == 4 * 1024**2


def test_a_server_that_started_anew_counts_from_0(place, free_tcp_port):
    watch = place(KIND, f"127.0.0.1:{free_tcp_port}")
    for _ in range(2):
        with running_memcached(free_tcp_port):
            watch.look()
            for _ in range(5):
                cache.get("nobody")
            watch.look()
            cache.close()
    assert total("spotter.cache.server.misses") == 10


@pytest.mark.parametrize("fault", ["down", "hang", "reset"])
def test_one_that_does_not_answer_is_told_as_such(memcached, place, proxy_to, fault):
    proxy = proxy_to(memcached.port)
    proxy.misbehave(fault)
    watch = place(KIND, f"127.0.0.1:{proxy.port}")
    watch.look()
    assert last("spotter.cache.server.up") == 0
    assert recorded("spotter.cache.entries") == {}


def test_what_is_no_memcached_is_not_listened_to_for_long(place, caplog):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk():
            client, _ = listener.accept()
            with client:
                client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n" * 10)

        talker = threading.Thread(target=talk)
        talker.start()
        place(KIND, f"127.0.0.1:{listener.getsockname()[1]}").look()
        talker.join()
    assert "does not answer `stats` in the text protocol" in caplog.text


def test_a_socket_in_the_file_system_is_asked_too(place, tmp_path):
    # memcached gives up its rights before it makes the socket.
    tmp_path.chmod(0o777)
    for folder in list(tmp_path.parents)[:3]:
        folder.chmod(0o755)
    path = tmp_path / "memcached.sock"
    command = [program("memcached"), "--user", "nobody", "--unix-socket", str(path)]
    with running([*command, "--unix-mask", "777"], path.exists):
        place(KIND, f"unix:{path}").look()
        assert last("spotter.cache.server.up") == 1


@pytest.mark.parametrize(
    ("address", "place_"),
    [
        ("cache:11311", ("cache", 11311, "")),
        ("cache", ("cache", 11211, "")),
        ("[::1]:11211", ("::1", 11211, "")),
        ("unix:/run/memcached.sock", ("localhost", 0, "/run/memcached.sock")),
        ("/run/memcached.sock", ("localhost", 0, "/run/memcached.sock")),
    ],
)
def test_an_address_is_read_as_django_has_it(address, place_):
    assert place_of(address) == place_
