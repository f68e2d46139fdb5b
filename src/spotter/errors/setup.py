"""Start `sentry_sdk` when a DSN is given, and scrub whatever client there is."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import sentry_sdk
from django.conf import settings as django_settings

from spotter import conf
from spotter.errors import environment, hooks, light
from spotter.errors.release import find_release
from spotter.rescue import rescue

# How long a process that ends may wait for Sentry.
SHUTDOWN_SECONDS = 2
# Events that wait in memory while Sentry is slow; what comes after is dropped.
QUEUE_SIZE = 100


def install() -> None:
    """
    Start `sentry_sdk` as the environment says; scrub a client the project started.

    A project that has called `sentry_sdk.init()` itself keeps its options. In both
    cases its own hooks run first, and what they give is scrubbed.
    """
    with rescue("start sentry_sdk"):
        dsn = environment.dsn()
        if dsn and not sentry_sdk.is_initialized():
            sentry_sdk.init(**options(dsn))
            light.is_active = is_light()
        client = sentry_sdk.get_client()
        if client.is_active():
            hooks.attach(client.options)


def is_light() -> bool:
    """
    Whether requests are watched by Spotter, and not by the SDK's own integration.

    A project that names integrations of its own has decided.
    """
    settings = conf.get_settings()
    own = {"integrations", "default_integrations"} & settings.sentry_options.keys()
    return settings.sentry_integration == "spotter" and not own


def options(dsn: str) -> dict[str, Any]:
    """What `sentry_sdk.init()` is called with."""
    settings = conf.get_settings()
    directory = pathlib.Path(getattr(django_settings, "BASE_DIR", None) or os.getcwd())
    return {
        "environment": environment.environment(),
        "traces_sample_rate": environment.sample_rate(),
        "release": find_release(os.environ, directory, settings.release_distribution),
        "send_default_pii": False,
        "shutdown_timeout": SHUTDOWN_SECONDS,
        "transport_queue_size": QUEUE_SIZE,
        **(light.options() if is_light() else {}),
        **settings.sentry_options,
        "dsn": dsn,
    }
