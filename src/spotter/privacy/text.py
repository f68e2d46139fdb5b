"""Scrubbing free text: a quick look that lets most lines pass, then the rules."""

from __future__ import annotations

import re

from spotter.privacy import values
from spotter.privacy.allowance import allowed_categories, allowed_keys
from spotter.privacy.keys import is_secret_key
from spotter.privacy.values import FILTERED

# Something in every name that is_secret_key() knows.
_NAMES = (
    "pass", "pwd", "secret", "token", "key", "auth", "cookie", "session", "csrf",
    "xsrf", "signature", "credential", "card", "cvc", "cvv", "iban", "jwt", "otp",
    "phone", "pin", "ssn", "bearer",
)  # fmt: skip
# Something in every shape of values.SHAPES: those that hold a "_" or "-", and the rest.
_SHAPES = ("eyJ", "AKIA", "ASIA", "SG.", "SK", "AIza", "hooks.slack")
_SHAPES_WITH_A_DASH = (
    "k_live_", "k_test_", "whsec_", "xox", "xapp-", "gh", "glpat-", "PRIVATE KEY",
)  # fmt: skip
_SCHEMES = ("bearer ", "basic ", "token ", "digest ")
# Eight digits with little between them, or an IPv4 address.
_LONG_NUMBER = re.compile(
    r"\d(?:[ ().\-/]{0,2}\d){7}|\d\.\d{1,3}\.\d{1,3}\.\d|[A-Z]{2}\d{2} [A-Z]{4} "
)

_ASSIGNMENT = re.compile(
    r"(?<![A-Za-z0-9_-])"
    r"(?P<name>(?:(?:api|access|secret|private|auth)[ ])?[A-Za-z0-9_-]++)"
    r"(?P<equals>\\{0,3}[\"']?\]?\s{0,3}(?:=>|%3D|[=:])\s{0,3}(?:b(?=[\"']))?)"
    r"(?P<value>"
    r"\[[^\]\n]{0,2000}+\]|\{[^}\n]{0,2000}+\}|\([^)\n]{0,2000}+\)"
    r"|\"(?:[^\"\\\n]|\\.){0,2000}+\"|'(?:[^'\\\n]|\\.){0,2000}+'"
    r"|(?:(?:Bearer|Basic|Token|Digest|Negotiate)\s{1,3})?[^\s&;,\"'}\])<>\[{(]++"
    r"|[\"'][^\s&;,\"'<>]++"
    r")",
    re.IGNORECASE,
)
_COOKIE = re.compile(
    r"\b(?P<name>(?:set-)?cookie[\"']?\s{0,3}[=:]\s{0,3}[\"']?)[^\r\n\"']++", re.I
)
_SCHEME = re.compile(
    r"\b(?P<name>(?:bearer|basic|token|digest)\s{1,3})"
    # A word of prose has no digit, no padding and no capital in the middle.
    r"(?=[\w.~+/-]*(?:[\d=]|[a-z][A-Z]))[\w.~+/-]{8,}+=*+",
    re.IGNORECASE,
)
# Not secrets, and worth knowing.
_EMPTY = frozenset({"none", "null", "true", "false", "[]", "{}", "()", "''", '""'})


def scrub_text(text: str) -> str:
    """
    Give the text without secrets and personal data; innocent text comes back as it is.

    Linear in the length of the text, whatever is in it.
    """
    lower = text.lower()
    equated = "=" in text or ":" in text or "%3D" in text
    named = (equated and any_of(_NAMES, lower)) or any_of(_SCHEMES, lower)
    shaped = any_of(_SHAPES, text) or (
        ("_" in text or "-" in text) and any_of(_SHAPES_WITH_A_DASH, text)
    )
    at = "@" in text or "%40" in text
    colons = "::" in text or text.count(":") >= 7
    number = _LONG_NUMBER.search(text) is not None
    if not (named or shaped or at or colons or number):
        return text
    return _scrub(text, named, shaped, at, colons, number)


def any_of(needles: tuple[str, ...], text: str) -> bool:
    """Whether one of them is in the text."""
    for needle in needles:  # noqa: SIM110 (any() with a generator takes twice as long)
        if needle in text:
            return True
    return False


def _scrub(
    text: str, named: bool, shaped: bool, at: bool, colons: bool, number: bool
) -> str:
    allowed = allowed_categories()
    rules: list[values.type_of_rule] = []
    if at:
        rules.append(values.URL_CREDENTIALS)
    if shaped:
        rules.append(values.SHAPES)
    if at:
        rules.append(values.EMAIL)
    if number:
        rules += (values.CARD, values.IBAN, values.SSN)
        rules += (values.IPV4, values.E164, values.NATIONAL)
    if colons:
        rules.append(values.IPV6)
    if named:
        text = _scrub_named(text)
    for category, pattern, replacement in rules:
        if category not in allowed:
            text = pattern.sub(replacement, text)
    return text


def _scrub_named(text: str) -> str:
    text = _COOKIE.sub(_keep_name, text)
    if "=" in text or ":" in text or "%3D" in text:
        text = _scrub_escaped(text)
        text = _ASSIGNMENT.sub(_scrub_assignment, text)
    return _SCHEME.sub(_keep_name, text)


def _keep_name(match: re.Match[str]) -> str:
    return match["name"] + FILTERED


_ESCAPED_ASSIGNMENT = re.compile(
    r"(?<![A-Za-z0-9_-])(?P<name>[A-Za-z0-9_-]++)"
    r"(?P<equals>\\{1,3}[\"']\s{0,3}:\s{0,3})"
    r"(?P<value>\\{1,3}[\"'][^\"'\\\n]{0,2000}+)"
)


def _scrub_escaped(text: str) -> str:
    """JSON within JSON, where quotes carry a backslash."""
    if "\\" not in text:
        return text
    return _ESCAPED_ASSIGNMENT.sub(_scrub_assignment, text)


def _scrub_assignment(match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    if value.lower() in _EMPTY or not is_secret_key(name) or value == FILTERED:
        return match[0]
    if name.lower() in allowed_keys():
        return match[0]
    opening = re.match(r"[\\\"']*", value)
    quote = opening[0] if opening else ""
    closing = quote if quote and value.endswith(quote) and len(value) > 1 else ""
    return f"{name}{match['equals']}{quote}{FILTERED}{closing}"
