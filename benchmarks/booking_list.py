"""Requests a second of TrainerHub's booking list, with Spotter and without."""

from __future__ import annotations

import contextlib
import json
import pathlib
import statistics
import subprocess
import tempfile

import httpx

from benchmarks.servers import requests_a_second
from tests.servers.processes import program
from tests.servers.trainerhub import environment, manage
from tests.servers.web import WebServer, serving

ROUNDS = 5
SECONDS = 5
CONNECTIONS = 8
PROJECTS = {"without": "benchmarks._without_spotter", "with": "trainerhub"}


def token_of(server: WebServer, home: pathlib.Path) -> str:
    """Log in as the demo's trainer."""
    logins = json.loads((home / "var" / "demo-logins.json").read_text())
    answer = httpx.post(
        f"{server.url}/api/users/login/", json=logins["trainer"], trust_env=False
    )
    return str(answer.raise_for_status().json()["token"])


def speed(server: WebServer, token: str) -> float:
    """Requests a second of one round."""
    command = [
        *(program("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}"),
        *("-H", f"Authorization: Token {token}", f"{server.url}/api/bookings/"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Non-2xx" not in done.stdout, done.stdout
    return requests_a_second(done.stdout)


def main() -> None:
    """Serve both from one database and let their rounds take turns."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        home = pathlib.Path(folder)
        (home / "var").mkdir()
        manage(home, "migrate", "--verbosity", "0")
        manage(home, "seed_demo")
        variables = environment(home, {"DEBUG": "0", "TRAINERHUB_FAULTS": "0"})
        servers = {}
        for name, project in PROJECTS.items():
            (home / name).mkdir()
            servers[name] = stack.enter_context(
                serving(project, home / name, env=variables, threads=16)
            )
        token = token_of(servers["with"], home)
        speeds: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(ROUNDS):
            for name, server in servers.items():
                speeds[name].append(speed(server, token))
        medians = {name: statistics.median(each) for name, each in speeds.items()}
        for name, median in medians.items():
            print(f"{name:>8} Spotter: {median:7.1f} requests/s")
        print(f"   ratio: {medians['with'] / medians['without']:.3f}")


if __name__ == "__main__":
    main()
