"""Two workers under a week's traffic while PostgreSQL and Redis really fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest

from acceptance.trainerhub_server import CHECKOUT, TrainerHub, running_trainerhub
from tests.servers.postgres import Postgres, running_postgres
from tests.servers.processes import wait_until
from tests.servers.proxy import FaultProxy
from tests.servers.redis import Redis, running_redis

pytestmark = [pytest.mark.acceptance, pytest.mark.long, pytest.mark.timeout(300)]


@dataclass(frozen=True, slots=True)
class House:
    """TrainerHub, its servers, and the proxies between them."""

    trainerhub: TrainerHub
    processes: dict[str, Postgres | Redis]
    proxies: dict[str, FaultProxy]

    def ready(self) -> tuple[int, set[str]]:
        """The status of `/ready/`, and what it says has failed."""
        answer = self.ask("/ready/")
        checks: dict[str, Any] = answer.json()["checks"]
        failed = {name for name, one in checks.items() if one["status"] == "unhealthy"}
        return answer.status_code, failed

    def ask(self, path: str) -> httpx.Response:
        return httpx.get(self.trainerhub.url + path, trust_env=False, timeout=10)


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("home")
    with running_postgres() as postgres, running_redis() as redis:
        proxies = {
            "database": FaultProxy(postgres.port),
            "cache": FaultProxy(redis.port),
        }
        name = f"load_{uuid.uuid4().hex[:8]}"
        postgres.create_database(name)
        with running_trainerhub(
            home,
            DATABASE_URL=postgres.url(name, proxies["database"].port),
            REDIS_URL=redis.url(proxies["cache"].port),
            LOGIN_THROTTLE_RATE="6000/min",
        ) as trainerhub:
            yield House(trainerhub, {"database": postgres, "cache": redis}, proxies)
        for proxy in proxies.values():
            proxy.stop()


@pytest.fixture
def traffic(house):
    """People who go on using the API, whatever it answers them."""
    command = [
        *(sys.executable, "manage.py", "simulate", "--url", house.trainerhub.url),
        *("--duration", "600", "--rate", "20"),
    ]
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=house.trainerhub.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        yield process
        # Not SIGINT, which a shell that starts the suite with & has its children ignore.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def requests_logged(house: House) -> int:
    api_log = house.trainerhub.home / "logs" / "api.log"
    return api_log.read_text().count("\n") if api_log.exists() else 0


def break_it(house: House, name: str, fault: str) -> None:
    """Break one dependency: its server frozen, or the way to it cut or slowed."""
    if fault == "frozen":
        for process in family(house.processes[name].pid):
            process.suspend()
    else:
        house.proxies[name].misbehave(fault, delay=2)


def mend(house: House, name: str) -> None:
    for process in family(house.processes[name].pid):
        process.resume()
    house.proxies[name].misbehave(None)


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


@pytest.mark.parametrize("fault", ["down", "hang", "frozen", "slow"])
@pytest.mark.parametrize("name", ["database", "cache"])
def test_ready_names_what_fails_under_load_and_live_stays_calm(
    house, traffic, name, fault
):
    wait_until(lambda: house.ready() == (200, set()), 60, "everything well")
    before = requests_logged(house)
    wait_until(lambda: requests_logged(house) > before + 20, 60, "traffic")
    break_it(house, name, fault)
    try:
        wait_until(lambda: name in house.ready()[1], 15, f"{name} named")
        assert house.ready()[0] == 503
        assert house.ask("/live/").status_code == 200
        assert house.ask("/health/").status_code == 200
    finally:
        mend(house, name)
    wait_until(lambda: house.ready() == (200, set()), 60, "recovery")
