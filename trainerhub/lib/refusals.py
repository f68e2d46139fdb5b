"""What services raise when the domain's rules say no; the API turns it into a problem."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 (an answer, not a failure)
    """A rule forbids it; `code` is for programs, the message for the person."""

    code = "refused"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code


class Invalid(Refused):
    """What was asked for makes no sense; `field` says where."""

    code = "invalid"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class Conflict(Refused):
    """It made sense, but not in the state that things are in."""

    code = "conflict"


class Forbidden(Refused):
    """Somebody else may, this user may not."""

    code = "permission_denied"


class WrongCredentials(Refused):
    """Nobody has this address and this password, and no more than that is told."""

    code = "wrong_credentials"
