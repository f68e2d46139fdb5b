"""What all tests share: real servers, and no skip that goes unnoticed in CI."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator

import hypothesis
import pytest

from tests.servers.memcached import Memcached, running_memcached
from tests.servers.postgres import Postgres, running_postgres
from tests.servers.proxy import FaultProxy
from tests.servers.redis import Redis, running_redis

# Tests start some hundred Pythons: where none of them may keep what it compiled, as
# many container images have it, each compiles Django anew, for three seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A shell that starts the suite with & has it ignore SIGINT, and all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# How long an example takes to think of, or to try, says how busy this machine is.
hypothesis.settings.register_profile(
    "unhurried",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fail-on-skip",
        action="store_true",
        help="fail when a test was skipped, as CI does",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Send long files first, else one of them is what everybody waits for at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if reporter and skipped and session.config.getoption("--fail-on-skip"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"--fail-on-skip: {len(skipped)} skipped", red=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server that the whole run shares; create your own database."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def redis() -> Iterator[Redis]:
    """An empty Redis server of this test's own."""
    with running_redis() as server:
        yield server


@pytest.fixture
def memcached() -> Iterator[Memcached]:
    """An empty Memcached server of this test's own."""
    with running_memcached() as server:
        yield server


@pytest.fixture
def proxy_to() -> Iterator[Callable[[int], FaultProxy]]:
    """Put a fault proxy before a port: `proxy = proxy_to(redis.port)`."""
    proxies: list[FaultProxy] = []

    def start(port: int) -> FaultProxy:
        proxies.append(FaultProxy(port))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.stop()
