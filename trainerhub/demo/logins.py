"""The demo's log-ins: passwords made once and kept in a file that only you can read."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import secrets

from django.conf import settings

EMAILS = {
    "trainer": "nia.campbell@example.com",
    "client": "client@example.com",
    "staff": "staff@example.com",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """One person who can log in."""

    email: str
    password: str


def path() -> pathlib.Path:
    """Where the passwords are."""
    return pathlib.Path(settings.VAR) / "demo-logins.json"


def make() -> dict[str, Login]:
    """Draw a password for each kind of person."""
    return {
        kind: Login(email, secrets.token_urlsafe(9)) for kind, email in EMAILS.items()
    }


def save(logins: dict[str, Login]) -> None:
    """Replace the file; readable by its owner alone from its first moment."""
    text = json.dumps(
        {kind: dataclasses.asdict(login) for kind, login in logins.items()}
    )
    new = path().with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path())


def load() -> dict[str, Login]:
    """Read the file; nothing when there is none."""
    try:
        text = path().read_text()
    except FileNotFoundError:
        return {}
    return {kind: Login(**login) for kind, login in json.loads(text).items()}
