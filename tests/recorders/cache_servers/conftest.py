"""Caches on real servers, and who asks them."""

from __future__ import annotations

import pytest
from django.core.cache import caches

from spotter.recorders.cache_servers import readings
from spotter.recorders.cache_servers.readings import Watch, ask_for
from tests.servers.processes import free_port

BACKENDS = "django.core.cache.backends"


def wait_for(watch):
    """Wait until a question is answered, or given up."""
    assert watch._thread
    watch._thread.join(30)
    assert not watch._thread.is_alive()


@pytest.fixture
def place(settings, kept):
    """Name the servers of the default cache; gives who asks them."""

    def put(kind, location, **options):
        settings.CACHES = {
            "default": {
                "BACKEND": f"{BACKENDS}.{kind}",
                "LOCATION": location,
                "OPTIONS": options,
            }
        }
        ask = ask_for("default")
        assert ask
        return Watch("default", ask)

    yield put
    # Before the server goes: memcached's clients keep connections.
    caches.close_all()


@pytest.fixture
def free_tcp_port():
    """A port for servers that come one after the other."""
    return free_port()


@pytest.fixture
def alone(monkeypatch):
    """No post that another process of the machine may hold, and nobody asked before."""
    monkeypatch.setattr(readings, "_posts", {})
    monkeypatch.setattr(readings, "_watches", {})
