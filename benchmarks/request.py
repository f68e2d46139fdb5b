"""What watching a request costs, in CPU time, against Django without it."""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

#: Each set-up runs in a process of its own: Spotter's hooks are process-wide.
SET_UPS = (
    "bare",
    "bare again",
    "spotter",
    "spotter, no line",
    "spotter with Sentry",
    "django-prometheus",
    "sentry-sdk",
)
#: Nobody listens there, and without errors nothing is sent.
DSN = "http://public@127.0.0.1:9/1"
VIEWS = ("empty", "ten queries, five lookups", "one query of fifty rows")


def main(arguments: list[str] | None = None) -> None:
    """Run all set-ups in turn, round after round, and print the medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks request")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=300, help="in each round")
    parser.add_argument("--serve", choices=SET_UPS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        serve(options.serve)
    else:
        measure(options.rounds, options.requests)


def measure(rounds: int, requests: int) -> None:
    with tempfile.TemporaryDirectory(prefix="spotter-bench-") as home:
        servers = {name: start(name, home) for name in SET_UPS}
        servers = {name: child for name, child in servers.items() if is_up(name, child)}
        for view in VIEWS:
            report(view, run_rounds(servers, view, rounds, requests))
        for child in servers.values():
            assert child.stdin
            child.stdin.close()
            child.wait(10)


def start(set_up: str, home: str) -> subprocess.Popen[str]:
    directory = Path(home) / set_up.replace(" ", "-").replace(",", "")
    directory.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.request", "--serve", set_up],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"BENCH_HOME": str(directory), "PYTHONPATH": ":".join(sys.path)},
    )


def is_up(set_up: str, child: subprocess.Popen[str]) -> bool:
    assert child.stdout
    if child.stdout.readline().strip() == "ready":
        return True
    print(f"{set_up}: not installed, left out")
    return False


def run_rounds(
    servers: dict[str, subprocess.Popen[str]], view: str, rounds: int, requests: int
) -> dict[str, list[float]]:
    """Give the microseconds per request of each round; the order changes each time."""
    taken: dict[str, list[float]] = {name: [] for name in servers}
    orders = itertools.cycle((list(servers), list(reversed(servers))))
    for number, order in zip(range(rounds + 1), orders, strict=False):
        for name in order:
            microseconds = ask(servers[name], view, requests)
            if number:  # the first warms up
                taken[name].append(microseconds)
    return taken


def ask(child: subprocess.Popen[str], view: str, requests: int) -> float:
    assert child.stdin
    assert child.stdout
    child.stdin.write(json.dumps([VIEWS.index(view), requests]) + "\n")
    child.stdin.flush()
    return float(child.stdout.readline())


def report(view: str, taken: dict[str, list[float]]) -> None:
    bare = taken["bare"]
    print(f"\n{view}: bare Django takes {statistics.median(bare):.0f} µs of CPU")
    for name, rounds in taken.items():
        if name == "bare":
            continue
        added = statistics.median(b - a for a, b in zip(bare, rounds, strict=True))
        ratio = statistics.median(b / a for a, b in zip(bare, rounds, strict=True))
        print(f"  {name:20} {added:+7.1f} µs   x {ratio:.3f}")


def serve(set_up: str) -> None:
    """Answer requests of our own, as many as each line on stdin says."""
    import os

    try:
        configure(set_up, Path(os.environ["BENCH_HOME"]))
    except ImportError:
        print("absent", flush=True)
        return
    handler, environs = prepare()
    print("ready", flush=True)
    for line in sys.stdin:
        view, requests = json.loads(line)
        started = time.process_time()
        for _ in range(requests):
            response = handler(dict(environs[view]), start_response)
            b"".join(response)
            response.close()
        spent = time.process_time() - started
        print(spent / requests * 1e6, flush=True)


def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
    assert status.startswith("200"), status


def configure(set_up: str, home: Path) -> None:
    import os

    import django
    from django.conf import settings

    watching: dict[str, list[str]] = {
        "apps": ["spotter"] if set_up.startswith("spotter") else [],
        "middleware": ["spotter.middleware.SpotterMiddleware"]
        if set_up.startswith("spotter")
        else [],
    }
    engine, backend = "django.db.backends.sqlite3", "django.core.cache.backends.locmem"
    if set_up == "django-prometheus":
        import django_prometheus  # noqa: F401

        engine, backend = (
            "django_prometheus.db.backends.sqlite3",
            "django_prometheus.cache.backends.locmem",
        )
        watching["apps"] = ["django_prometheus"]
    before, after = "PrometheusBeforeMiddleware", "PrometheusAfterMiddleware"
    peers = [f"django_prometheus.middleware.{name}" for name in (before, after)]
    is_peer = set_up == "django-prometheus"
    settings.configure(
        SECRET_KEY="a benchmark's",
        BASE_DIR=home,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="benchmarks._request_views",
        INSTALLED_APPS=[
            *watching["apps"],
            "django.contrib.contenttypes",
            "django.contrib.auth",
        ],
        MIDDLEWARE=[
            *watching["middleware"],
            *(peers[:1] if is_peer else []),
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.common.CommonMiddleware",
            *(peers[1:] if is_peer else []),
        ],
        DATABASES={
            "default": {
                "ENGINE": engine,
                "NAME": str(home / "db.sqlite3"),
                "CONN_MAX_AGE": None,
            }
        },
        CACHES={"default": {"BACKEND": f"{backend}.LocMemCache"}},
        LOGGING=logging_setting(set_up, home),
        USE_TZ=True,
    )
    if set_up == "spotter with Sentry":
        os.environ["SENTRY_DSN"] = DSN
    if set_up == "sentry-sdk":
        import sentry_sdk

        sentry_sdk.init(DSN, traces_sample_rate=0.0)
    django.setup()


def logging_setting(set_up: str, home: Path) -> dict[str, Any]:
    """Write the request line to a file as JSON, as `spotter.logs` does if it can."""
    return {
        "version": 1,
        "formatters": {"json": {"()": JSONFormatter}},
        "handlers": {
            "api": {
                "class": "logging.FileHandler",
                "filename": str(home / "api.log"),
                "formatter": "json",
            }
        },
        "loggers": {
            "spotter.api": {
                "handlers": ["api"],
                "level": "CRITICAL" if set_up == "spotter, no line" else "INFO",
                "propagate": False,
            }
        },
    }


class JSONFormatter(logging.Formatter):
    """The least that a JSON line can cost."""

    def format(self, record: logging.LogRecord) -> str:
        import orjson

        return orjson.dumps(record.__dict__, default=str).decode()


def prepare() -> tuple[Any, list[dict[str, Any]]]:
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.test import RequestFactory

    call_command("migrate", verbosity=0)
    User.objects.bulk_create(User(username=f"user-{n}") for n in range(50))
    cache.set_many({f"key-{n}": n for n in range(5)})
    urls = [f"/{number}/" for number in range(len(VIEWS))]
    environs = [RequestFactory().get(url).environ for url in urls]
    return get_wsgi_application(), environs


if __name__ == "__main__":
    main()
