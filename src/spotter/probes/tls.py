"""Certificates: whom to trust, and when one expires."""

from __future__ import annotations

import datetime
import functools
import ssl
from typing import Any


# Reading some 150 certificates takes longer than a probe.
@functools.lru_cache(maxsize=16)
def context(ca: str) -> ssl.SSLContext:
    """Trust what the system trusts, or the certificates of one file alone."""
    return ssl.create_default_context(cafile=ca or None)


def expiry(certificate: Any) -> float | None:
    """When a certificate, as `getpeercert()` gives it, expires, in Unix seconds."""
    text = (certificate or {}).get("notAfter")
    if not text:
        return None
    moment = datetime.datetime.strptime(text, "%b %d %H:%M:%S %Y %Z")  # noqa: DTZ007 (it is UTC, set below)
    return moment.replace(tzinfo=datetime.UTC).timestamp()


def problem_of(ca: str) -> str:
    """What is wrong with a file of certificates; "" when nothing is."""
    if not ca:
        return ""
    try:
        context(ca)
    except (OSError, ssl.SSLError) as error:
        return f"ca is {ca!r}, which can't be read as certificates in PEM: {error}"
    return ""
