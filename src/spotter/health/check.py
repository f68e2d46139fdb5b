"""What a health check is: one class with one method."""

from __future__ import annotations

import dataclasses
import enum

from spotter.exceptions import SpotterError


class Status(enum.StrEnum):
    """The words of the body."""

    HEALTHY = "healthy"
    CONFIGURED = "configured"
    NOT_CONFIGURED = "not_configured"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"

    @property
    def is_bad(self) -> bool:
        """Whether somebody should look."""
        return self in (Status.DEGRADED, Status.UNHEALTHY)


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """What a check found; `detail` is shown to who holds the token only."""

    status: Status
    message: str
    detail: str = ""


class CheckFailed(SpotterError):  # noqa: N818 (a finding, as its subclasses are)
    """
    Raise a subclass in `run()`; the message is shown to the public.

    Args:
        detail: what only the log and who holds the token may see.
    """

    status = Status.UNHEALTHY

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class Unhealthy(CheckFailed):
    """It does not work."""


class Degraded(CheckFailed):
    """It works, but not as it should; never takes the service out of rotation."""

    status = Status.DEGRADED


class HealthCheck:
    """
    Write `run()`, and list the class in `SPOTTER["HEALTH_CHECKS"]`.

    Attributes:
        name: the key in the body; "cache" or "cache:sessions".
        critical: whether `/ready/` is 503 when it is unhealthy.
        timeout_seconds: a run that takes longer has failed; HEALTH_BUDGET_SECONDS
            when None.
        ttl_seconds: how long a result is good for; HEALTH_TTL_SECONDS when None.
        failure: what the public reads when `run()` raises anything unforeseen.
        kind: `componentType` in `application/health+json`.
    """

    name = ""
    critical = False
    timeout_seconds: float | None = None
    ttl_seconds: float | None = None
    failure = "Check failed"
    kind = "component"

    def __init__(
        self,
        *,
        name: str | None = None,
        critical: bool | None = None,
        timeout_seconds: float | None = None,
        ttl_seconds: float | None = None,
    ) -> None:
        given = {
            "name": name,
            "critical": critical,
            "timeout_seconds": timeout_seconds,
            "ttl_seconds": ttl_seconds,
        }
        for attribute, value in given.items():
            if value is not None:
                setattr(self, attribute, value)

    def run(self) -> str | Report:
        """
        Look, in a thread of its own, and say what was found.

        Returns:
            A message for the public, or a `Report` when "healthy" is not the word.

        Raises:
            Unhealthy, Degraded: with a message for the public. Whatever else is
                raised is unhealthy too, and its text is not shown.
        """
        raise NotImplementedError
