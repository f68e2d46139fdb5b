"""`manage.py spotter export`: the rules and channels for other tools."""

from __future__ import annotations

import argparse
import pathlib
import urllib.parse
from collections.abc import Mapping
from typing import Any

from django.conf import settings as django_settings
from django.core.management.base import BaseCommand

from spotter import conf
from spotter.alerts.book import Book
from spotter.alerts.watcher import configured_channels, configured_rules, place
from spotter.exceptions import SpotterError
from spotter.exporters import alertmanager, grafana, prometheus, promtool
from spotter.exporters.prometheus import Target
from spotter.exposition.access import policy
from spotter.exposition.numbers import namespace
from spotter.stores.sqlite import MEMORY, SqliteStore

HELP = "write the rules, channels and charts for Prometheus, Alertmanager or Grafana"
TOKEN_FILE = "/etc/prometheus/secrets/spotter-token"  # noqa: S105 (a file's name)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For what, where to, and what only the other side knows."""
    parser.add_argument("what", choices=sorted(EXPORTS))
    parser.add_argument(
        "--output", metavar="DIR", type=pathlib.Path,
        help="write files there; without it the main one is printed",
    )  # fmt: skip
    parser.add_argument("--job", help="what Prometheus calls this service")
    parser.add_argument(
        "--target", metavar="HOST:PORT", help="where Prometheus reaches this service"
    )


def run(command: BaseCommand, **options: Any) -> bool:
    """Print or write it; True."""
    target = target_of(options)
    files = EXPORTS[options["what"]](target)
    folder: pathlib.Path | None = options["output"]
    if folder is None:
        command.stdout.write(next(iter(files.values())), ending="")
        return True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
            command.stdout.write(f"wrote {folder / name}")
    except OSError as error:
        raise SpotterError(f"{folder} can't be written: {error.strerror}.") from error
    return True


def target_of(options: Mapping[str, Any]) -> Target:
    """The service as Prometheus reaches it; by PUBLIC_URL where nothing else is said."""
    settings = conf.get_settings()
    public = urllib.parse.urlsplit(settings.public_url or "http://127.0.0.1:8000/")
    is_given = bool(options["target"])
    prefix = settings.probe_prefix.strip("/")
    where = place()
    return Target(
        job=options["job"] or namespace(),
        address=options["target"] or public.netloc,
        scheme="http" if is_given else public.scheme,
        path=f"/{prefix}/metrics/" if prefix else "/metrics/",
        token_file="" if policy() == "public" else TOKEN_FILE,
        runbooks=where.runbooks,
        environment=where.environment,
    )


def for_prometheus(target: Target) -> dict[str, str]:
    """The rules first, their tests, and a configuration that uses both."""
    book = Book(SqliteStore(MEMORY))
    rules = configured_rules(lambda: book)
    return {
        prometheus.RULES: prometheus.rule_file(rules, target),
        prometheus.TESTS: promtool.test_file(rules, target),
        prometheus.MAIN: prometheus.main_file(target),
    }


def for_alertmanager(target: Target) -> dict[str, str]:
    """Who is told."""
    book = Book(SqliteStore(MEMORY))
    mail = {
        "host": django_settings.EMAIL_HOST,
        "port": django_settings.EMAIL_PORT,
        "user": django_settings.EMAIL_HOST_USER,
        "use_tls": django_settings.EMAIL_USE_TLS,
        "sender": django_settings.DEFAULT_FROM_EMAIL,
    }
    text = alertmanager.main_file(
        configured_rules(lambda: book),
        configured_channels(),
        environment=target.environment,
        mail=mail,
    )
    return {alertmanager.MAIN: text}


def for_grafana(target: Target) -> dict[str, str]:
    """The charts."""
    name = conf.get_settings().service_name
    return {grafana.MAIN: grafana.main_file(target.job, name)}


EXPORTS = {
    "alertmanager": for_alertmanager,
    "grafana": for_grafana,
    "prometheus": for_prometheus,
}
