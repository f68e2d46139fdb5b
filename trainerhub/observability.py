"""All that TrainerHub tells Spotter, and the only module that imports it."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping
from typing import Any

from django.dispatch import receiver

from spotter import logs, metrics, recording
from spotter.alerts import heartbeats
from spotter.alerts.heartbeats import Heartbeat
from spotter.channels import Channel, Email, PagerDuty, Sentry, Slack
from spotter.channels.pagerduty import EVENTS_URL
from spotter.probes import Http
from spotter.statuspage import StatusPage
from trainerhub.lib import happenings

#: By what a message goes out and how a workflow ends. Not read of the models: the
#: settings import this, before there is any.
CHANNELS = ("email", "sms")
ENDS = ("succeeded", "failed", "skipped")


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
        loggers={"django_tasks": "INFO"},
    )
    settings["SPOTTER"] = {
        "SERVICE_NAME": "TrainerHub API",
        "ENVIRONMENT": settings["ENVIRONMENT"],
        "STORE": os.environ.get("SPOTTER_STORE")
        or f"sqlite:///{settings['VAR'] / 'spotter' / 'spotter.db'}",
        **health_and_metrics(settings),
        **alerting(settings),
    }


def alerting(settings: dict[str, Any]) -> dict[str, Any]:
    """Who is told, what is probed from outside, which jobs must report."""
    env = os.environ
    return {
        "CHANNELS": channels(env),
        "MONITORS": monitors(settings, env),
        "HEARTBEATS": [
            Heartbeat(
                name="backup",
                every_seconds=86400,
                grace_seconds=7200,
                max_seconds=7200,
                is_backup=True,
            )
        ]
        if settings["PRODUCTION"]
        else [],
        "STATUS_PAGE": status_page(settings, env),
        "HEARTBEAT_URL": env.get("SPOTTER_HEARTBEAT_URL", ""),
        "CONNECTIVITY": env.get("SPOTTER_CONNECTIVITY", ""),
        "PUBLIC_URL": env.get("SPOTTER_PUBLIC_URL")
        or f"{base_url(settings, env)}/spotter/",
        "RUNBOOK_URL": env.get("SPOTTER_RUNBOOK_URL", ""),
    }


def base_url(settings: dict[str, Any], env: Mapping[str, str]) -> str:
    """Where users, and the probes, reach this copy."""
    if env.get("SPOTTER_PROBE_URL"):
        return env["SPOTTER_PROBE_URL"].rstrip("/")
    if settings["PRODUCTION"]:
        return "https://trainerhubb.app"
    return f"http://127.0.0.1:{env.get('PORT') or 8000}"


def channels(env: Mapping[str, str]) -> list[Channel]:
    """The e-mail always; the others where their secret is in the environment."""
    found: list[Channel] = [
        Email(to=[env.get("ALERT_EMAIL") or "devops@trainerhubb.app"])
    ]
    if env.get("SLACK_WEBHOOK_URL"):  # made for the channel #alerts
        found.append(Slack(url=env["SLACK_WEBHOOK_URL"]))
    if env.get("PAGERDUTY_ROUTING_KEY"):
        previous = env.get("PAGERDUTY_PREVIOUS_ROUTING_KEY")
        found.append(
            PagerDuty(
                routing_key=env["PAGERDUTY_ROUTING_KEY"],
                previous_routing_keys=(previous,) if previous else (),
                url=env.get("PAGERDUTY_URL") or EVENTS_URL,
            )
        )
    if env.get("SENTRY_DSN"):
        found.append(Sentry())
    return found


def monitors(settings: dict[str, Any], env: Mapping[str, str]) -> list[Http]:
    """The main application, and the API as a user who has logged in."""
    url = base_url(settings, env)
    found = [Http(name="health", url=f"{url}/health/", json={"status": "healthy"})]
    if env.get("SPOTTER_PROBE_TOKEN"):
        headers = {"Authorization": f"Token {env['SPOTTER_PROBE_TOKEN']}"}
        found.append(Http(name="api", url=f"{url}/api/users/me/", headers=headers))
    return found


def status_page(settings: dict[str, Any], env: Mapping[str, str]) -> StatusPage | None:
    """What the public sees at /status/: always on a laptop, on request in production."""
    wanted = env.get("TRAINERHUB_STATUS_PAGE") or str(not settings["PRODUCTION"])
    if wanted.lower() not in ("true", "1", "on", "yes"):
        return None
    names = {"health": "Website and app", "api": "API"}
    return StatusPage(
        title="TrainerHub",
        components={names[each.name]: each.name for each in monitors(settings, env)},
        url=f"{base_url(settings, env)}/status/",
    )


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
    "trainerhub.notifications.sent",
    happenings.notification_sent,
    labels=of("channel"),
    known=[{"channel": channel} for channel in CHANNELS],
)
recording.count_signal(
    "trainerhub.notifications.failed",
    happenings.notification_failed,
    labels=of("channel"),
    known=[{"channel": channel} for channel in CHANNELS],
)
recording.count_signal(
    "trainerhub.workflows.ended",
    happenings.workflow_ended,
    labels=of("status"),
    known=[{"status": status} for status in ENDS],
)


@receiver(happenings.backup_started)
def report_backup_start(**facts: Any) -> None:
    """That it begins: one that never ends is told as well."""
    heartbeats.report("backup", "start")


@receiver(happenings.backup_ended)
def report_backup(*, ok: bool, **facts: Any) -> None:
    """A sign of life of the backup, for the rule BackupMissing."""
    known = {
        name: facts[name] for name in ("seconds", "size", "output") if name in facts
    }
    heartbeats.report("backup", "success" if ok else "failure", **known)
