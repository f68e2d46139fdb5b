"""Spotter's watcher, and Prometheus with Alertmanager, told of the same and telling the same."""

from __future__ import annotations

import contextlib
import http.server
import json
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx

from acceptance.against.watching import KEY
from spotter.alerts.book import Book
from spotter.stores.sqlite import SqliteStore
from tests.channels.pagerduty import PagerDutyService
from tests.channels.receiver import Receiver, receiving
from tests.servers.processes import accepts, free_port, program, stop, wait_until
from tests.servers.web import CHECKOUT, child_environment

PROMETHEUS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]}}]}}
scrape_configs: [{{job_name: it, static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]}}]
"""
RULES = """
groups: [{{name: all, rules: [{{alert: Broken, expr: broken > 0, for: {for_}s}}]}}]
"""
ALERTMANAGER = """
route: {{receiver: all, group_by: [alertname], group_wait: 1s, group_interval: 4s, repeat_interval: 1h}}
receivers:
- name: all
  slack_configs: [{{api_url: '{slack}', channel: '#alerts', send_resolved: true}}]
  pagerduty_configs: [{{routing_key: '{key}', url: '{pagerduty}', send_resolved: true}}]
"""


class Told:
    """What Slack and PagerDuty were told; Slack as (kind, whether it was taken)."""

    def __init__(
        self, slack: Receiver, service: PagerDutyService, pagerduty: str
    ) -> None:
        self.slack, self.service = slack, service
        self.urls = {"slack": slack.url, "pagerduty": pagerduty}
        self.refusals = 0

    def refuse_next(self, seconds: int) -> None:
        """Slack says "too many" once."""
        self.refusals = 1
        body = json.dumps(
            {"ok": False, "error": "rate_limited", "retry_after": seconds}
        )
        self.slack.script = [(429, {"Retry-After": str(seconds)}, body)]

    @property
    def messages(self) -> list[str]:
        """The kinds of what Slack took."""
        return [kind_of(body) for body in self.slack.bodies[self.refusals :]]

    @property
    def incidents(self) -> list[str]:
        """The states of PagerDuty's incidents."""
        return self.service.states

    @property
    def tries(self) -> int:
        """How often Slack was asked."""
        return len(self.slack.bodies)


def kind_of(body: Any) -> str:
    """What a message to Slack says, whoever sent it."""
    text = json.dumps(body)
    for mark, kind in (
        ("FIRED AND RESOLVED", "late"),
        ("RESOLVED", "resolved"),
        ("FIRING", "firing"),
    ):
        if mark in text:
            return kind
    return "?"


@contextlib.contextmanager
def told() -> Iterator[Told]:
    """Receivers of one stack's own."""
    service = PagerDutyService(KEY)
    with receiving() as slack, receiving(judge=service.judge) as pagerduty:
        yield Told(slack, service, pagerduty.url)


class Stack:
    """Something that watches one value."""

    def __init__(self, folder: pathlib.Path, told: Told) -> None:
        folder.mkdir()
        self.folder, self.told = folder, told
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=CHECKOUT, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True, env=child_environment({}),
            )  # fmt: skip

    def end(self, name: str, how: int = signal.SIGTERM) -> None:
        stop(self.processes.pop(name), how)

    def close(self) -> None:
        for name in list(self.processes):
            self.end(name)


class Spotter(Stack):
    """`manage.py spotter watch`."""

    def __init__(self, folder: pathlib.Path, told: Told, for_: float) -> None:
        super().__init__(folder, told)
        self.value = folder / "value"
        self.for_ = for_
        self.set(0)
        self.start()

    def start(self) -> None:
        self.run("watcher", [
            *(sys.executable, "-m", "acceptance.against.watching"),
            *("--store", f"sqlite:///{self.folder / 'spotter.db'}"),
            *("--slack", self.told.urls["slack"], "--value", str(self.value)),
            *("--pagerduty", self.told.urls["pagerduty"], "--for", str(self.for_)),
        ])  # fmt: skip

    def set(self, value: int) -> None:
        fresh = self.folder / "fresh"
        fresh.write_text(str(value))
        fresh.replace(self.value)  # never half of it

    def restart(self) -> None:
        self.end("watcher")
        self.start()

    def kill(self) -> None:
        self.end("watcher", signal.SIGKILL)
        self.start()

    def silence(self) -> None:
        now = time.time()
        store = SqliteStore(self.folder / "spotter.db")
        with Book(store).writing() as page:
            page.silence({"rule": "Broken"}, "ann", "a test", now, now + 3600, now)
        store.close()


class Peers(Stack):
    """Prometheus, Alertmanager and an exporter."""

    def __init__(self, folder: pathlib.Path, told: Told, for_: float) -> None:
        super().__init__(folder, told)
        self.ports = {name: free_port() for name in ("prometheus", "alertmanager")}
        self.exporter = Exporter()
        given = {
            "exporter": self.exporter.port,
            "alertmanager": self.ports["alertmanager"],
        }
        (folder / "prometheus.yml").write_text(PROMETHEUS.format(**given))
        (folder / "rules.yml").write_text(RULES.format(for_=int(for_)))
        text = ALERTMANAGER.format(key=KEY, **told.urls)
        (folder / "alertmanager.yml").write_text(text)
        self._alertmanager()
        self._prometheus()

    def _alertmanager(self) -> None:
        port = self.ports["alertmanager"]
        self.run("alertmanager", [
            program("prometheus-alertmanager"), "--cluster.listen-address=",
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ])  # fmt: skip
        wait_until(lambda: accepts(port), 30, "start of Alertmanager")

    def _prometheus(self) -> None:
        port = self.ports["prometheus"]
        self.run("prometheus", [
            program("prometheus"), "--rules.alert.resend-delay=1s",
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ])  # fmt: skip
        wait_until(lambda: accepts(port), 30, "start of Prometheus")

    def set(self, value: int) -> None:
        self.exporter.value = value

    def restart(self) -> None:
        self.end("prometheus")
        self._prometheus()

    def kill(self) -> None:
        self.end("alertmanager", signal.SIGKILL)
        self._alertmanager()

    def silence(self) -> None:
        now = time.time()
        clock = "%Y-%m-%dT%H:%M:%SZ"
        answer = httpx.post(
            f"http://127.0.0.1:{self.ports['alertmanager']}/api/v2/silences",
            json={
                "matchers": [
                    {"name": "alertname", "value": "Broken", "isRegex": False}
                ],
                "startsAt": time.strftime(clock, time.gmtime(now)),
                "endsAt": time.strftime(clock, time.gmtime(now + 3600)),
                "createdBy": "ann",
                "comment": "a test",
            },
            trust_env=False,
        )
        answer.raise_for_status()

    def close(self) -> None:
        super().close()
        self.exporter.close()


class Exporter:
    """Serves one gauge."""

    def __init__(self) -> None:
        self.value = 0
        exporter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f"# TYPE broken gauge\nbroken {exporter.value}\n".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
