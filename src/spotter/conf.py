"""Settings, read from `settings.SPOTTER` when asked for and never at import."""

from __future__ import annotations

import dataclasses
import functools
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

    # -- logs --------------------------------------------------------------------

    # -- privacy -----------------------------------------------------------------

    # -- requests ----------------------------------------------------------------
    #: Whether a request may bring its id in `X-Request-ID`; turn it off where no proxy
    #: of yours sets the header.
    accept_request_id: bool = True

    # -- errors ------------------------------------------------------------------


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
    The settings in force; unknown names are left to the system check.

    Reading must not fail in a request because a name is misspelt, so what is not
    known is passed over here and reported by `manage.py check`.
    """
    known = known_names()
    return Settings(
        **{name.lower(): value for name, value in given().items() if name in known}
    )


@receiver(setting_changed)
def forget_settings(*, setting: str, **kwargs: object) -> None:
    """Read the settings anew after a test has overridden them."""
    if setting == "SPOTTER":
        get_settings.cache_clear()
