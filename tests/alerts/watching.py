"""
A real watcher in a process of its own, over a value in a file.

`python -m tests.alerts.watching STORE FOLDER RECEIVER` fires while `FOLDER/value` says 1,
and once more for each name in `FOLDER/hang`: a "probe", a "check" or a "channel" that hangs.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import socket
import subprocess
import sys
import time
from typing import Any

from tests.servers.web import CHECKOUT, child_environment

FOR_SECONDS = 1.0


#: The variable that says which host it is to be on; by default this one.
HOST = "WATCHED_FROM"


def start(
    store: str, folder: pathlib.Path, url: str, host: str = ""
) -> subprocess.Popen[bytes]:
    """Start one; whoever starts it ends it."""
    variables = {"DJANGO_SETTINGS_MODULE": "tests.project.settings", HOST: host}
    env = child_environment(variables)
    with open(folder / "watcher.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.alerts.watching", store, str(folder), url],
            cwd=CHECKOUT, env=env, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


def main(store: str, folder: str, url: str) -> None:
    """Watch until SIGTERM."""
    if host := os.environ.get(HOST):
        socket.gethostname = lambda: host
    import django
    from django.conf import settings

    options: dict[str, Any] = {
        "STORE": store, "WATCH_SECONDS": 0.5, "PROBE_SECONDS": 1.0, "FLUSH_SECONDS": 1.0,
        "SERVICE_NAME": "Shop", "HEALTH_CHECKS": [],
    }  # fmt: skip
    settings.BASE_DIR = pathlib.Path(folder, f"own-{os.getpid()}")
    settings.SPOTTER = options
    django.setup()
    from django.core.management import call_command

    from spotter import conf

    # Its classes need the registry of apps, and setting that up reads the settings.
    options.update(configured(pathlib.Path(folder), url))
    conf.get_settings.cache_clear()
    call_command("spotter", "watch")


def configured(folder: pathlib.Path, url: str) -> dict[str, Any]:
    """The one rule, who is told, and what hangs."""
    from spotter.alerts.expressions import Computed, Reading
    from spotter.alerts.rules import Rule, Severity
    from spotter.alerts.shipped import shipped
    from spotter.channels import Channel, Webhook
    from spotter.probes import Monitor

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Hung(Monitor):
        def check(self) -> float | None:
            time.sleep(3600)
            return None

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Deaf(Channel):
        def send(self, notice: Any) -> None:
            time.sleep(3600)

    def read(source: Any, now: float) -> list[Reading]:
        return [Reading(value=float((folder / "value").read_text() or 0))]

    rule = Rule(
        name="Broken", expression=Computed(read), for_=FOR_SECONDS,
        severity=Severity.CRITICAL, summary="it is broken",
    )  # fmt: skip
    hang = folder / "hang"
    hung = hang.read_text().split() if hang.exists() else []
    names = [each.name for each in shipped(lambda: None)]  # type: ignore[arg-type,return-value]
    wanted = ["HealthCheckFailing"] if "probe" in hung else []
    return {
        "RULES": [rule],
        "RULES_OFF": [name for name in names if name not in wanted],
        "CHANNELS": [
            Webhook(url=url, group_seconds=0.0),
            *([Deaf(name="deaf", group_seconds=0.0)] if "channel" in hung else []),
        ],
        "MONITORS": [
            Hung(name=f"hung-{n}", timeout_seconds=1.0)
            for n in range(20 if "probe" in hung else 0)
        ],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
