"""The projects that are compared: bare Django, Spotter, and its peers as documented."""

from __future__ import annotations

import dataclasses
import logging
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any


def nothing() -> None:
    """Most have nothing to do."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """
    What a project adds to Django.

    Args:
        first, last: middleware before and after Django's own.
        logging: LOGGING, given the directory of its files.
        start: called before Django is set up.
        settle: ends what is left to a thread, as its timer would.
        share: the share of requests that are looked at in detail.
    """

    apps: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    engine: str = "django.db.backends.sqlite3"
    cache: str = "django.core.cache.backends.locmem.LocMemCache"
    urls: str = "benchmarks._request_views"
    logging: Callable[[Path], dict[str, Any]] = lambda home: {}
    start: Callable[[], None] = nothing
    settle: Callable[[], object] = nothing
    share: Callable[[], float] = lambda: 1.0


def spotters_files(home: Path) -> dict[str, Any]:
    """As README.md sets them up, without a console to write to."""
    from spotter import logs

    return logs.config(home / "logs", production=True, console="off")


def without_the_line(home: Path) -> dict[str, Any]:
    return {
        **spotters_files(home),
        "loggers": {"spotter.api": {"level": "CRITICAL", "propagate": False}},
    }


def spotters_share() -> float:
    from spotter.recording.budget import budget

    return budget.share


def flush_spotter() -> object:
    from spotter import recording

    return recording.flush()


def sentry(traces_sample_rate: float) -> Callable[[], None]:
    """`sentry_sdk.init` as Sentry's page about Django has it."""

    def start() -> None:
        import sentry_sdk

        sentry_sdk.init(os.environ["BENCH_DSN"], traces_sample_rate=traces_sample_rate)

    return start


def flush_sentry() -> object:
    import sentry_sdk

    sentry_sdk.flush(10)
    return None


def told_spotter() -> None:
    os.environ["SENTRY_DSN"] = os.environ["BENCH_DSN"]


def flush_both() -> object:
    flush_spotter()
    return flush_sentry()


def configure_structlog() -> None:
    """Through the standard library, rendered by ProcessorFormatter: structlog's advice."""
    import structlog

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            structlog.processors.UnicodeDecoder(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def structlogs_file(home: Path) -> dict[str, Any]:
    """Django's LOGGING with a file of JSON lines."""
    import structlog

    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processor": structlog.processors.JSONRenderer(),
            }
        },
        "handlers": {
            "json": {
                "class": "logging.handlers.WatchedFileHandler",
                "filename": str(home / "json.log"),
                "formatter": "json",
            }
        },
        "root": {"handlers": ["json"], "level": "INFO"},
    }


class StructlogMiddleware:
    """One line a request with its id, as every team writes it for structlog."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        import structlog

        self.get_response = get_response
        self.bind = structlog.contextvars.bind_contextvars
        self.clear = structlog.contextvars.clear_contextvars
        self.log = structlog.get_logger("requests")

    def __call__(self, request: Any) -> Any:
        started = perf_counter()
        self.clear()
        self.bind(request_id=str(uuid.uuid4()))
        response = self.get_response(request)
        self.log.info(
            "request_finished",
            method=request.method,
            path=request.path,
            status=response.status_code,
            duration_ms=round(1000 * (perf_counter() - started), 3),
        )
        return response


def start_stack() -> None:
    configure_structlog()
    sentry(0.1)()


PROMETHEUS = SetUp(
    apps=("django_prometheus",),
    first=("django_prometheus.middleware.PrometheusBeforeMiddleware",),
    last=("django_prometheus.middleware.PrometheusAfterMiddleware",),
    engine="django_prometheus.db.backends.sqlite3",
    cache="django_prometheus.cache.backends.locmem.LocMemCache",
)
SPOTTER = SetUp(
    apps=("spotter",),
    first=("spotter.middleware.SpotterMiddleware",),
    logging=spotters_files,
    settle=flush_spotter,
    share=spotters_share,
)
SET_UPS = {
    "bare": SetUp(),
    "bare again": SetUp(),
    "spotter": SPOTTER,
    "spotter, no line": dataclasses.replace(SPOTTER, logging=without_the_line),
    "spotter with Sentry": dataclasses.replace(
        SPOTTER, start=told_spotter, settle=flush_both
    ),
    "django-prometheus": PROMETHEUS,
    "sentry-sdk": SetUp(start=sentry(0.0), settle=flush_sentry),
    "the stack": dataclasses.replace(
        PROMETHEUS,
        first=(*PROMETHEUS.first, f"{__name__}.StructlogMiddleware"),
        logging=structlogs_file,
        start=start_stack,
        settle=flush_sentry,
    ),
    "silk": SetUp(
        apps=("django.contrib.sessions", "silk"),
        first=("silk.middleware.SilkyMiddleware",),
        urls="benchmarks._silk_urls",
    ),
}


def configure(name: str, home: Path) -> SetUp:
    """Set Django up as one of them has it."""
    import django
    from django.conf import settings

    chosen = SET_UPS[name]
    chosen.start()
    settings.configure(
        SECRET_KEY="a benchmark's",
        BASE_DIR=home,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=chosen.urls,
        INSTALLED_APPS=[
            *chosen.apps,
            "django.contrib.contenttypes",
            "django.contrib.auth",
        ],
        MIDDLEWARE=[
            *chosen.first,
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.common.CommonMiddleware",
            *chosen.last,
        ],
        DATABASES={
            "default": {
                "ENGINE": chosen.engine,
                "NAME": str(home / "db.sqlite3"),
                "CONN_MAX_AGE": None,
            }
        },
        CACHES={"default": {"BACKEND": chosen.cache}},
        LOGGING=chosen.logging(home),
        USE_TZ=True,
        # Where a request takes fifty times as long, as under valgrind, it is written as
        # often by the clock, and that is no request's.
        SPOTTER={"FLUSH_SECONDS": float(os.environ.get("BENCH_FLUSH_SECONDS", "5"))},
    )
    # Of its own: what a peer logs at DEBUG is nobody's cost here.
    logging.getLogger().setLevel(logging.INFO)
    django.setup()
    return chosen
