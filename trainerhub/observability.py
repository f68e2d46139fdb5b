"""All that TrainerHub tells Spotter, and the only module that imports it."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from typing import Any

from spotter import logs, metrics, recording
from trainerhub.lib import happenings


def of(name: str) -> Callable[..., dict[str, object]]:
    """One of the facts that a signal was sent with, as a label."""
    return lambda **sent: {name: sent.get(name, "")}


def install(settings: dict[str, Any]) -> None:
    """Add Spotter to the settings under construction."""
    settings["INSTALLED_APPS"].insert(0, "spotter")
    settings["MIDDLEWARE"].insert(0, "spotter.middleware.SpotterMiddleware")
    settings["LOGGING"] = logs.config(
        settings["HOME"] / "logs",
        production=settings["PRODUCTION"],
        application="trainerhubb.log",
        workflows={"trainerhub.workflows"},
    )
    settings["SPOTTER"] = {
        "SERVICE_NAME": "TrainerHub API",
        "ENVIRONMENT": settings["ENVIRONMENT"],
        "STORE": os.environ.get("SPOTTER_STORE")
        or f"sqlite:///{settings['VAR'] / 'spotter' / 'spotter.db'}",
        **health_and_metrics(settings),
    }


def health_and_metrics(settings: dict[str, Any]) -> dict[str, Any]:
    """What `/ready/` looks at and who may read `/metrics/`."""
    from spotter.conf import Settings
    from spotter.health.cache import CacheCheck
    from spotter.health.disk import DiskCheck

    return {
        "TOKEN": os.environ.get("SPOTTER_TOKEN", ""),
        "METRICS_ACCESS": os.environ.get("SPOTTER_METRICS_ACCESS", ""),
        "METRICS_NAMESPACE": "trainerhub",
        "HEALTH_CHECKS": [
            *Settings().health_checks,
            # Log-in is throttled through the cache: without it nobody gets in.
            CacheCheck(critical=True),
            DiskCheck(settings["HOME"]),
        ],
    }


@metrics.gauges("users")
def users() -> dict[str, int]:
    """People with a log-in."""
    from trainerhub.accounts.models import User
    from trainerhub.trainers.models import Trainer

    return {"total": User.objects.count(), "trainers": Trainer.objects.count()}


@metrics.gauges("bookings")
def bookings() -> dict[str, int]:
    """Bookings of any status; today's start on this UTC day."""
    from trainerhub.bookings.models import Booking

    today = datetime.datetime.now(datetime.UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    tomorrow = today + datetime.timedelta(days=1)
    starting = Booking.objects.filter(starts_at__gte=today, starts_at__lt=tomorrow)
    return {"total": Booking.objects.count(), "today": starting.count()}


@metrics.gauges("clients")
def clients() -> dict[str, int]:
    """Clients of all trainers."""
    from trainerhub.clients.models import Client

    return {"total": Client.objects.count()}


recording.count_signal("trainerhub.bookings.made", happenings.booking_made)
recording.count_signal("trainerhub.bookings.cancelled", happenings.booking_cancelled)
recording.count_signal("trainerhub.payments.taken", happenings.payment_taken)
recording.count_signal("trainerhub.payments.failed", happenings.payment_failed)
recording.count_signal(
    "trainerhub.notifications.sent", happenings.notification_sent, labels=of("channel")
)
recording.count_signal(
    "trainerhub.notifications.failed",
    happenings.notification_failed,
    labels=of("channel"),
)
recording.count_signal(
    "trainerhub.workflows.ended", happenings.workflow_ended, labels=of("status")
)
