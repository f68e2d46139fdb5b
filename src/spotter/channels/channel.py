"""What a channel is: one class with one method, and who it is for."""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from collections.abc import Mapping, Sequence

from spotter.channels.notice import Kind, Notice
from spotter.exceptions import SpotterError


class DeliveryError(SpotterError):
    """
    A message was not delivered.

    Args:
        permanent: whether the same message can never be delivered: a wrong address,
            a revoked key. Otherwise it is tried again.
        retry_after: how many seconds the receiver asked to wait.
    """

    def __init__(
        self, reason: str, *, permanent: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.retry_after = retry_after


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """
    Write `send()`, and list an instance in `SPOTTER["CHANNELS"]`.

    Args:
        name: what decisions and silences call it; unique.
        severities: which incidents it is for; empty for all.
        environments: where it sends at all; empty for everywhere.
        rules: which rules it is for; empty for all.
        hours: ("09:00", "18:00") in `timezone`; None at any time. Outside of them an
            incident waits until they begin.
        after_seconds: tell it only of what nobody acknowledged for so long: the next
            step of an escalation.
        remind_seconds: how often it is told again of what nobody has acknowledged.
    """

    name: str = ""
    severities: Sequence[str] = ()
    environments: Sequence[str] = ()
    rules: Sequence[str] = ()
    hours: tuple[str, str] | None = None
    timezone: str = "UTC"
    after_seconds: float = 0.0
    remind_seconds: float = 4 * 3600.0
    #: The kinds of notices that the receiver can do something with.
    kinds = frozenset(
        {Kind.TRIGGER, Kind.UPDATE, Kind.REMINDER, Kind.RESOLVE, Kind.LATE}
    )

    def send(self, notice: Notice) -> None:
        """
        Send it, within some seconds.

        Raises:
            DeliveryError: it did not arrive, or nobody can tell whether it did.
        """
        raise NotImplementedError

    def why_not(
        self, *, severity: str, environment: str, rules: Sequence[str], now: float
    ) -> str:
        """Why it does not get an incident; "" when it does."""
        if self.severities and severity not in self.severities:
            return f"{severity} is not {' or '.join(self.severities)}"
        if self.environments and environment not in self.environments:
            wanted = " or ".join(self.environments)
            return f"the environment is {environment or 'not set'}, not {wanted}"
        if self.rules and not set(rules) & set(self.rules):
            return "none of its rules fires"
        return "" if self.is_on_duty(now) else f"outside of its hours {self.hours}"

    def is_on_duty(self, now: float) -> bool:
        """Whether this is one of its hours."""
        if self.hours is None:
            return True
        zone = zoneinfo.ZoneInfo(self.timezone)
        time_ = datetime.datetime.fromtimestamp(now, zone).strftime("%H:%M")
        begin, end = self.hours
        return begin <= time_ < end if begin <= end else time_ >= begin or time_ < end

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        """What is missing for it to work, for `manage.py check`."""
        return []
