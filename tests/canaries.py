"""
Twenty-five marked secrets that no log file, event or page may ever show.

Send `query()`, `headers()` and `body()` in one POST to a view that calls
`misbehave(request)`, then ask `leaked(what was written)`: it must be empty. Values are
put together at run time, so that the lines of source code that Sentry sends along with
a stack do not contain them.
"""

from __future__ import annotations

import base64
import logging
import urllib.parse
from typing import Any

#: Where each secret is placed; the value follows in CANARIES.
PLACES = {
    "message_email": "an e-mail address in a log message",
    "message_phone": "a phone number among a log message's arguments",
    "exception_email": "an e-mail address in an exception's text",
    "exception_token": "`token=…` in an exception's text",
    "query_token": "a token in the query string",
    "query_email": "an e-mail address in the query string",
    "body_email": "an e-mail address in the body",
    "body_password": "a password in the body",
    "body_nested_password": "a password two levels down in the body",
    "body_ssn": "a social security number in the body, under an innocent name",
    "local_password": "a local variable called password",
    "local_nested_password": "a password within a local variable",
    "local_card": "a card number in a local variable with an innocent name",
    "local_sendgrid_key": "a local variable called sendgrid_key",
    "local_twilio_token": "a local variable called TWILIO_AUTH_TOKEN",
    "extra_password": "a password in a log call's extra=",
    "extra_nested_password": "a password within a list in a log call's extra=",
    "header_authorization": "the Authorization header",
    "header_signature": "the X-Twilio-Signature header",
    "header_ip": "an IPv4 address in X-Forwarded-For",
    "header_ipv6": "an IPv6 address in X-Real-IP",
    "cookie_session": "the sessionid cookie",
    "cookie_csrf": "the csrftoken cookie",
    "user_email": "the e-mail address of the user who is logged in",
    "user_name": "the name of the user who is logged in",
}


def _word(name: str) -> str:
    """A value that no rule knows by its shape: only its key gives it away."""
    return "-".join(("canary", name.replace("_", "-"), "x9" + "q7"))


def _email(name: str) -> str:
    return "@".join((name.replace("_", "."), "canary" + ".example.com"))


CANARIES: dict[str, str] = {name: _word(name) for name in PLACES} | {
    name: _email(name) for name in PLACES if name.endswith("_email")
}
CANARIES |= {
    "message_phone": "+44" + "7700" + "900" + "417",
    "body_ssn": "-".join(("536", "22", "8417")),
    "local_card": "4111" + "1111" * 3,
    "header_ip": ".".join(("203", "0", "113", "77")),
    "header_ipv6": ":".join(("2001", "db8", "", "7f3a")),
}

logger = logging.getLogger("tests.canaries")


def query() -> str:
    """The query string, encoded as browsers do."""
    named = {"token": CANARIES["query_token"], "email": CANARIES["query_email"]}
    return urllib.parse.urlencode(named)


def headers() -> dict[str, str]:
    """The request's headers, with its cookies."""
    session, csrf = CANARIES["cookie_session"], CANARIES["cookie_csrf"]
    return {
        "Authorization": f"Bearer {CANARIES['header_authorization']}",
        "X-Twilio-Signature": CANARIES["header_signature"],
        "X-Forwarded-For": CANARIES["header_ip"],
        "X-Real-IP": CANARIES["header_ipv6"],
        "Cookie": f"sessionid={session}; csrftoken={csrf}",
    }


def body() -> dict[str, Any]:
    """The request's body, to be sent as JSON."""
    nested = {"credentials": [{"password": CANARIES["body_nested_password"]}]}
    return {
        "email": CANARIES["body_email"],
        "password": CANARIES["body_password"],
        "account": nested,
        "note": CANARIES["body_ssn"],
    }


def misbehave(request: Any) -> None:
    """Log and raise with every secret in reach, as careless code does."""
    password = CANARIES["local_password"]
    settings = {"smtp": [{"password": CANARIES["local_nested_password"]}]}
    number = CANARIES["local_card"]
    sendgrid_key = CANARIES["local_sendgrid_key"]
    TWILIO_AUTH_TOKEN = CANARIES["local_twilio_token"]  # noqa: N806 (as people do)
    nested = [{"password": CANARIES["extra_nested_password"]}]
    extra = {"password": CANARIES["extra_password"], "accounts": nested}
    logger.info("Welcome mail for %s", CANARIES["message_email"], extra=extra)
    logger.error("No answer from %s", CANARIES["message_phone"], extra=extra)
    # Kept as a number: a nameless copy of a password cannot be known for one.
    held = len((request, password, settings, number, sendgrid_key, TWILIO_AUTH_TOKEN))
    raise RuntimeError(
        f"{held} refused for {CANARIES['exception_email']}: "
        f"https://api.example.com/?token={CANARIES['exception_token']}"
    )


def leaked(written: str | bytes) -> list[str]:
    """Which of the secrets occur in what was written, plain or encoded."""
    text = written.decode(errors="replace") if isinstance(written, bytes) else written
    return [name for name, value in CANARIES.items() if _occurs(value, text)]


def _occurs(value: str, text: str) -> bool:
    encoded = base64.b64encode(value.encode()).decode().rstrip("=")
    return any(form in text for form in (value, urllib.parse.quote(value), encoded))
