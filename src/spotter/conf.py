"""Settings, read from `settings.SPOTTER` when asked for and never at import."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from spotter.exceptions import ConfigurationError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    Every setting with its default; `SPOTTER = {"SERVICE_NAME": …}` overrides one.

    A name that is not here is refused by the system check `spotter.E001`.
    """

    #: What `/health/` calls the service.
    service_name: str = "Django"
    #: "production", "staging", "development" …; `SENTRY_ENVIRONMENT` when empty.
    environment: str = ""

    # -- health, metrics ---------------------------------------------------------
    #: Opens details of `/ready/` and `/metrics/`, as `Authorization: Bearer …`.
    token: str = ""
    #: What the four addresses begin with: "/ops" makes "/ops/ready/".
    probe_prefix: str = ""
    #: Dotted paths, classes or instances; see docs/reference/health.md.
    health_checks: Sequence[object] = (
        "spotter.health.database.every_database",
        "spotter.health.cache.every_cache",
        "spotter.health.email.EmailCheck",
        "spotter.health.sms.SmsCheck",
        "spotter.health.migrations.default_database",
        "spotter.health.disk.DiskCheck",
    )
    #: The longest that `/ready/` waits; under the one second that kubelet waits.
    health_budget_seconds: float = 0.8
    #: How long a check's result is good for.
    health_ttl_seconds: float = 1.0
    #: "public", "token" or "staff"; when empty, public in development, else token if
    #: there is one, else staff.
    metrics_access: str = ""
    #: What the names of the project's gauges begin with; from SERVICE_NAME when empty.
    metrics_namespace: str = ""
    #: How long the project's numbers are good for, however often they are scraped.
    metrics_ttl_seconds: float = 15.0
    #: Whether `/metrics/` has a series for each statement; there may be thousands.
    metrics_statements: bool = False
    #: The longest that `/metrics/` waits for the project's numbers.
    metrics_budget_seconds: float = 5.0

    # -- logs --------------------------------------------------------------------

    # -- privacy -----------------------------------------------------------------

    #: Kinds of personal data to let through: "email", "ip", "phone" …
    privacy_allow: Sequence[str] = ()
    #: Names of fields to let through although they sound like secrets.
    privacy_allow_keys: Sequence[str] = ()

    # -- requests ----------------------------------------------------------------
    #: Whether a request may bring its id in `X-Request-ID`; turn it off where no proxy
    #: of yours sets the header.
    accept_request_id: bool = True

    # -- telemetry ---------------------------------------------------------------

    #: Where measurements are kept: `sqlite:///…`, `postgresql://…` or `memory://`; when
    #: empty, `var/spotter/spotter.db` below BASE_DIR.
    store: str = ""
    #: Whether anything is measured for the dashboard, the metrics and the alerts.
    recording: bool = True
    #: How often each process writes what it measured.
    flush_seconds: float = 5.0
    #: From when on a request is slow and kept as an example, in seconds.
    slow_request_seconds: float = 1.0
    #: From when on a query is slow and kept as an example, in seconds.
    slow_query_seconds: float = 0.1

    # -- dashboard ---------------------------------------------------------------

    #: Where the pages are: "ops/spotter" makes "/ops/spotter/".
    dashboard_prefix: str = "spotter"
    #: The dotted path of a function (request) -> bool that decides who may see it;
    #: when empty, staff with the permission `spotter.view_dashboard`.
    dashboard_access: str = ""

    # -- alerting ----------------------------------------------------------------

    #: Who is told, in order: instances of spotter.channels.Channel.
    channels: Sequence[object] = ()
    #: Rules added to the shipped ones; one of the same name replaces it.
    rules: Sequence[object] = ()
    #: Names of shipped rules that are not wanted.
    rules_off: Sequence[str] = ()
    #: What is probed from outside: instances of spotter.probes.Monitor.
    monitors: Sequence[object] = ()
    #: host:port that must be reachable before a probe of another host is believed.
    connectivity: str = ""
    #: Jobs that must report: instances of spotter.alerts.heartbeats.Heartbeat.
    heartbeats: Sequence[object] = ()
    #: What the public is shown at /status/: a spotter.statuspage.StatusPage; off when None.
    status_page: object = None
    #: How often the watcher looks, in seconds.
    watch_seconds: float = 5.0
    #: How often it probes, in seconds.
    probe_seconds: float = 10.0
    #: An address that the watcher asks once a minute: who misses it tells of its end.
    heartbeat_url: str = ""
    #: Where people reach the dashboard: "https://example.com/spotter/"; for links.
    public_url: str = ""
    #: What the names of runbook pages are put behind, for links; those of the dashboard
    #: when empty.
    runbook_url: str = ""

    # -- errors ------------------------------------------------------------------

    #: A distribution whose installed version is the release, where nothing else is.
    release_distribution: str = ""
    #: "spotter" reports requests for almost nothing; "sdk" is the SDK's own integration.
    sentry_integration: str = "spotter"
    #: Paths whose transactions are not sent: probes would be most of them.
    sentry_skip_paths: Sequence[str] = ("/health/", "/ready/", "/live/", "/metrics/")
    #: More options of `sentry_sdk.init()`, such as `{"enable_logs": True}`.
    sentry_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def known_names() -> frozenset[str]:
    """The names that `settings.SPOTTER` may have."""
    return frozenset(field.name.upper() for field in dataclasses.fields(Settings))


def given() -> dict[str, Any]:
    """What the project wrote, as it is."""
    value = getattr(django_settings, "SPOTTER", {})
    if not isinstance(value, dict):
        raise ConfigurationError(
            f"settings.SPOTTER is a {type(value).__name__}; it must be a dict."
        )
    return value


@functools.cache
def get_settings() -> Settings:
    """
    The settings in force; what is unknown or of a wrong kind is left to the checks.

    Reading must not fail in a request because a name is misspelt, or because a number
    came out of the environment as text: what is not known is passed over here, what
    is of another kind than it must be has its default, and `manage.py check` tells.
    """
    return Settings(
        **{name: value for name, value in _known().items() if is_of_kind(name, value)}
    )


def as_written() -> Settings:
    """The settings as the project wrote them, whatever they are; for system checks."""
    return Settings(**_known())


def _known() -> dict[str, Any]:
    known = known_names()
    return {name.lower(): value for name, value in given().items() if name in known}


def is_of_kind(name: str, value: object) -> bool:
    """Whether a value is of the kind that a setting must be; None stands for none."""
    return isinstance(value, KINDS[type(getattr(DEFAULTS, name))][0]) and not (
        isinstance(value, bool) and name not in SWITCHES
    )


DEFAULTS = Settings()
#: Settings that are on or off.
SWITCHES = frozenset(
    field.name
    for field in dataclasses.fields(Settings)
    if isinstance(getattr(DEFAULTS, field.name), bool)
)
#: What a value must be, and how that is said, by the type of the setting's default.
KINDS: Mapping[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "True or False"),
    float: ((int, float), "a number"),
    str: ((str,), "text"),
    tuple: ((list, tuple, set, frozenset), "a list"),
    dict: ((Mapping,), "a dict"),
    type(None): ((object,), "anything"),
}


def is_duration(value: object) -> bool:
    """Whether it is a finite number of seconds above 0."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 < float(str(value)) < float("inf")


@receiver(setting_changed)
def forget_settings(*, setting: str, **kwargs: object) -> None:
    """Read the settings anew after a test has overridden them."""
    if setting == "SPOTTER":
        get_settings.cache_clear()
