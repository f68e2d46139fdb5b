"""What a project lets through: `PRIVACY_ALLOW` and `PRIVACY_ALLOW_KEYS`."""

from __future__ import annotations

from django.conf import settings as django_settings

from spotter import conf

#: The kinds of personal data that PRIVACY_ALLOW may name. Credentials are not here:
#: there is no good reason to write one down.
CATEGORIES = frozenset({"card", "email", "iban", "ip", "phone", "ssn"})
_NOTHING: frozenset[str] = frozenset()


def allowed_categories() -> frozenset[str]:
    """The categories let through; none while settings are still being read."""
    # Asking an unconfigured `settings` would import the very module that may be
    # logging this line.
    if not django_settings.configured:
        return _NOTHING
    return frozenset(conf.get_settings().privacy_allow) & CATEGORIES


def allowed_keys() -> frozenset[str]:
    """The field names let through, in lower case."""
    if not django_settings.configured:
        return _NOTHING
    return frozenset(str(key).lower() for key in conf.get_settings().privacy_allow_keys)
