"""The shapes of secrets and personal data, each checked as far as it can be."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

#: What stands in a secret's place; Sentry's word, so that its pages know it.
FILTERED = "[Filtered]"

type_of_rule = tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]]

# Every pattern here takes linear time: what repeats is bounded or possessive (`++`),
# and a look-behind lets a run of characters be tried from its beginning alone.


def _always(match: re.Match[str]) -> str:
    return FILTERED


def _passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


# Lengths that the networks issue, or one long number in ten would look like a card.
_CARD_SHAPE = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[0-8]\d{14}|6\d{15}(?:\d{3})?|3[47]\d{13}|3[0689]\d{12}"
    r"|35\d{14}|2[2-7]\d{14}"
)


def is_card(digits: str) -> bool:
    """Whether a run of digits can be a payment card's number."""
    return _CARD_SHAPE.fullmatch(digits) is not None and _passes_luhn(digits)


def _card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return FILTERED if is_card(digits) else match[0]


def _iban(match: re.Match[str]) -> str:
    whole = match[0]
    # Capital words may follow: "DE89 3704 … 00 PAID".
    ends = [len(whole), *[found.start() for found in re.finditer(" ", whole)][::-1]]
    for end in ends:
        if _passes_mod_97(whole[:end].replace(" ", "")):
            return FILTERED + whole[end:]
    return whole


def _passes_mod_97(account: str) -> bool:
    if not 15 <= len(account) <= 34:
        return False
    turned = account[4:] + account[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _ip(match: re.Match[str]) -> str:
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return match[0]
    # The machine itself is nobody.
    nobody = address.is_loopback or address.is_unspecified
    return match[0] if nobody else FILTERED


def _international(match: re.Match[str]) -> str:
    whole = match[0]
    # Other numbers may follow: "+49 151 12345679 200".
    ends = [len(whole), *[found.start() for found in re.finditer("[ .-]", whole)][::-1]]
    for end in ends:
        if 8 <= sum(character.isdigit() for character in whole[:end]) <= 15:
            return FILTERED + whole[end:]
    return whole


EMAIL: type_of_rule = (
    "email",
    re.compile(
        r"(?<![\w.+%'-])[\w.+%'-]++(?<!%40)(?:@|%40)(?:[\w-]++\.)+[^\W\d_]{2,}+"
        r"|(?<![\w.+'-])(?:[\w.+'-]|%(?!40))++%40(?:[\w-]++\.)+[^\W\d_]{2,}+"
    ),
    _always,
)
URL_CREDENTIALS: type_of_rule = (
    "credential",
    re.compile(r"(?<=://)[^\s/?#@:]*+:[^\s/?#]*@"),
    lambda match: FILTERED + "@",
)
SHAPES: type_of_rule = (
    "credential",
    re.compile(
        r"(?<![A-Za-z0-9_-])(?:"
        r"eyJ[\w-]++\.[\w-]++(?:\.[\w-]*+)?"  # JSON Web Token
        r"|(?:AKIA|ASIA)[0-9A-Z]{16}"  # Amazon
        r"|SG\.[\w-]{16,}+\.[\w-]{16,}+"  # SendGrid
        r"|[rsp]k_(?:live|test)_\w{10,}+|whsec_[\w+/=]{10,}+"  # Stripe
        r"|SK[0-9a-f]{32}"  # Twilio
        r"|xox[a-z]-[\w-]{10,}+|xapp-[\w-]{10,}+"  # Slack
        r"|gh[opsur]_\w{20,}+|github_pat_\w{20,}+|glpat-[\w-]{20,}+"  # GitHub, GitLab
        r"|AIza[\w-]{35}"  # Google
        r")|(?<=hooks\.slack\.com/services/)[\w/]++"
        r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\w\s+/=:,\\-]{0,8000}"
    ),
    _always,
)
IPV4: type_of_rule = (
    "ip",
    # Not after "Chrome/" or "==": those are versions.
    re.compile(
        r"(?<![\w.-])(?<![A-Za-z]/)(?<!==)(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)"
    ),
    _ip,
)
IPV6: type_of_rule = (
    "ip",
    re.compile(
        r"(?<![\w:.])(?=[0-9A-Fa-f:]*[0-9A-Fa-f]{2})[0-9A-Fa-f:]{5,39}+(?![\w])"
    ),
    _ip,
)
CARD: type_of_rule = (
    "card",
    re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![ -]?\d)(?!\w|-\w)"),
    _card,
)
SSN: type_of_rule = (
    "ssn",
    re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])"),
    _always,
)
IBAN: type_of_rule = (
    "iban",
    re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,38}+(?![a-z0-9])"),
    _iban,
)
E164: type_of_rule = (
    "phone",
    re.compile(
        r"(?<![\w)+])(?:\+|%2B)[1-9]\d{0,2}+(?: ?\(\d{1,4}\) ?)?(?:[ .-]?\d){4,14}(?!\w)"
    ),
    _international,
)
NATIONAL: type_of_rule = (
    "phone",
    re.compile(
        r"(?<![\w.:+/-])(?:"
        r"\([2-9]\d{2}\) ?\d{3}[ .-]\d{4}"  # (555) 123-4567
        r"|(?:1[ .-])?[2-9]\d{2}([ .-])[2-9]\d{2}\1\d{4}"  # 555-123-4567
        r"|\(0[1-9]\d{1,3}\) ?\d{3,4} ?\d{3,4}"  # (020) 7946 0958
        r"|0[1-9]\d{1,4}[ /-]\d{3,8}(?:[ -]\d{3,4})?"  # 07700 900123, 030 1234567
        r"|0[1-9](?:([ .])\d{2})(?:\2\d{2}){3}"  # 06 12 34 56 78
        r"|0[1-9]\d{8,9}"  # 07700900123
        r")(?![\w-]|[.:]\d)"
    ),
    lambda match: FILTERED if _has_phone_length(match[0]) else match[0],
)


def _has_phone_length(found: str) -> bool:
    return sum(character.isdigit() for character in found) >= 9
