"""Scrubbing free text: a quick look that lets most lines pass, then the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from spotter import context
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

# A name and what makes it an assignment; the value is looked at only when the name is
# a secret's, since an innocent value may hold assignments itself: "data={'token': …".
_NAME = re.compile(
    r"(?<![A-Za-z0-9_-])"
    r"(?P<name>(?:(?:api|access|secret|private|auth)[ ])?[A-Za-z0-9_-]++)"
    r"\\{0,3}[\"']?\]?\s{0,3}(?:=>|%3D|[=:])\s{0,3}(?:b(?=[\"']))?",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"\[[^\]\n]{0,2000}+\]|\{[^}\n]{0,2000}+\}|\([^)\n]{0,2000}+\)"
    r"|\"(?:[^\"\\\n]|\\.){0,2000}+\"|'(?:[^'\\\n]|\\.){0,2000}+'"
    r"|\\{1,3}\"[^\"\\\n]{0,2000}+\\{1,3}\""  # JSON within JSON
    r"|(?:(?:Bearer|Basic|Token|Digest|Negotiate)\s{1,3})?[^\s&;,\"'}\])<>\[{(]++"
    r"|[\"'][^\s&;,\"'<>]++",
    re.IGNORECASE,
)
# A header as a tuple: ('authorization', '…').
_PAIR = re.compile(
    r"\(b?'(?P<name>[A-Za-z0-9_-]{1,200}+)', ?b?'(?P<value>(?:[^'\\\n]|\\.){0,2000}+)'\)"
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

    A secret in the path of the request in hand, such as the token of a link that sets
    a new password, is known by its name in the URL pattern. Linear in the length of
    the text, whatever is in it.
    """
    work = context.current()
    if work is not None and (arguments := work.arguments):
        text = _without(arguments, text)
    lower = text.lower()
    equated = "=" in text or ":" in text or "%3D" in text or "'," in text
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


def _without(arguments: Mapping[str, Any], text: str) -> str:
    for name, value in arguments.items():
        if not _hides(name) or not (secret := str(value)) or secret not in text:
            continue
        text = re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", FILTERED, text)
    return text


def has_secret(named: Mapping[str, Any]) -> bool:
    """Whether one of the names says that its value is a secret."""
    for name in named:  # noqa: SIM110 (any() with a generator takes twice as long)
        if _hides(name):
            return True
    return False


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
    text = _PAIR.sub(_scrub_pair, _scrub_assignments(text))
    return _SCHEME.sub(_keep_name, text)


def _keep_name(match: re.Match[str]) -> str:
    return match["name"] + FILTERED


def _scrub_pair(match: re.Match[str]) -> str:
    if not _hides(match["name"]):
        return match[0]
    return match[0][: match.start("value") - match.start()] + FILTERED + "')"


def _scrub_assignments(text: str) -> str:
    done, parts = 0, []
    for match in _NAME.finditer(text):
        # Within a value that was filtered already.
        if match.start() < done or not _hides(match["name"]):
            continue
        value = _VALUE.match(text, match.end())
        if value is not None:
            parts += [text[done : match.end()], _filtered(value[0])]
            done = value.end()
    return "".join([*parts, text[done:]]) if parts else text


def _hides(name: str) -> bool:
    return is_secret_key(name) and name.lower() not in allowed_keys()


def _filtered(value: str) -> str:
    if value.lower() in _EMPTY:
        return value
    body = value.lstrip("\\\"'")
    quote = value[: len(value) - len(body)]
    return quote + FILTERED + (quote if quote and body.endswith(quote) else "")
