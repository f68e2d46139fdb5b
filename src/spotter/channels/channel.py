"""What a channel is: one class with one method, and who it is for."""

from __future__ import annotations

import dataclasses
import datetime
import re
import zoneinfo
from collections.abc import Callable, Mapping, Sequence

from django.utils.crypto import salted_hmac

from spotter.channels.notice import Kind, Notice
from spotter.exceptions import SpotterError
from spotter.privacy import FILTERED, scrub_text

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
#: Parts of an address that may be its secret.
PARTS = re.compile(r"[\w-]{8,}")
#: What a label must be: a value, one of several, or all of a pattern.
Wanted = str | Sequence[str] | re.Pattern[str]


class DeliveryError(SpotterError):
    """
    A message was not delivered.

    Args:
        permanent: whether the same message can never be delivered. Otherwise it is
            tried again.
        retry_after: how many seconds the receiver asked to wait, with everything.
        shut: whether no message can be delivered: the address or the key is dead. The
            channel is shut then, and what waits for it is kept.
        told: of several receivers those who have it; they are not sent it again.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        shut: bool = False,
        told: Sequence[str] = (),
    ) -> None:
        super().__init__(reason)
        self.permanent = permanent or shut
        self.retry_after = retry_after
        self.shut = shut
        self.told = tuple(told)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """
    Write `send()`, and list an instance in `SPOTTER["CHANNELS"]`.

    Args:
        name: what decisions and silences call it; unique.
        severities: which incidents it is for; empty for all.
        environments: where it sends at all; empty for everywhere.
        rules: which rules it is for; empty for all.
        labels: what an alert's labels must be, each a value, several, or a compiled
            pattern that must match all of it; a label that is missing is "".
        hours: ("09:00", "18:00") in `timezone`; None at any time. Outside of them an
            incident waits until they begin.
        days: ("mon", "tue" …); empty for all. Hours over midnight belong to the day
            on which they begin.
        group_seconds: how long a new incident gathers what belongs to it before it is
            told, so that a cause and what follows from it are one message.
        after_seconds: tell it only of what nobody acknowledged for so long: the next
            step of an escalation.
        remind_seconds: how often it is told again of what nobody has acknowledged.
        rate: (10, 600.0) for ten messages in ten minutes; what is more waits.
    """

    name: str = ""
    severities: Sequence[str] = ()
    environments: Sequence[str] = ()
    rules: Sequence[str] = ()
    labels: Mapping[str, Wanted] = dataclasses.field(default_factory=dict)
    hours: tuple[str, str] | None = None
    days: Sequence[str] = ()
    timezone: str = "UTC"
    group_seconds: float = 5.0
    after_seconds: float = 0.0
    remind_seconds: float = 4 * 3600.0
    rate: tuple[int, float] = (60, 60.0)
    #: The kinds of notices that the receiver can do something with.
    kinds = frozenset(
        {Kind.TRIGGER, Kind.UPDATE, Kind.REMINDER, Kind.RESOLVE, Kind.LATE}
    )
    #: Whether it has a `send_digest` for what the rate has held up.
    digests = False

    def send(self, notice: Notice) -> None:
        """
        Send it, within half a minute.

        Raises:
            DeliveryError: it did not arrive, or nobody can tell whether it did.
        """
        raise NotImplementedError

    def send_digest(self, notices: Sequence[Notice]) -> None:
        """Send several as one message."""
        raise NotImplementedError

    def check_in(self, environment: str) -> None:
        """Tell the receiver, once a minute, that the watcher lives; most can't listen."""

    def why_not(
        self,
        *,
        severity: str,
        environment: str,
        alerts: Sequence[Mapping[str, str]],
        now: float,
    ) -> str:
        """Why it does not get an incident with these alerts' labels; "" when it does."""
        if self.severities and severity not in self.severities:
            return f"{severity} is not {' or '.join(self.severities)}"
        if self.environments and environment not in self.environments:
            wanted = " or ".join(self.environments)
            return f"the environment is {environment or 'not set'}, not {wanted}"
        if self.rules and not any(each.get("rule") in self.rules for each in alerts):
            return "none of its rules fires"
        if self.labels and not any(self.takes(each) for each in alerts):
            return f"nothing that fires has its labels ({', '.join(self.labels)})"
        return "" if self.is_on_duty(now) else f"outside of its hours ({self.duty})"

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels is one that it is for."""
        return all(
            fits(labels.get(name, ""), wanted) for name, wanted in self.labels.items()
        )

    @property
    def duty(self) -> str:
        """When it is told, as people write it."""
        hours = " to ".join(self.hours or ())
        return " ".join(part for part in (*self.days, hours, self.timezone) if part)

    def is_on_duty(self, now: float) -> bool:
        """Whether this is one of its hours; what can't be read is at any time."""
        if self.routing_problems():
            return True
        zone = zoneinfo.ZoneInfo(self.timezone)
        here = datetime.datetime.fromtimestamp(now, zone)
        day, time_ = here.weekday(), here.strftime("%H:%M")
        begin, end = self.hours or ("00:00", "24:00")
        is_after_midnight = end < begin and time_ < end
        if is_after_midnight:
            day = (day - 1) % 7
        is_hour = time_ < end or time_ >= begin if end < begin else begin <= time_ < end
        return is_hour and (not self.days or DAYS[day] in self.days)

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        """What is missing for it to work, for `manage.py check`."""
        return []

    def routing_problems(self) -> list[str]:
        """What of its hours can't be read, for `manage.py check`."""
        found = []
        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            found.append(f"timezone={self.timezone!r} is no time zone: 'Europe/Berlin'")
        if unknown := sorted(set(self.days) - set(DAYS)):
            found.append(f"days has {unknown}; they are {', '.join(DAYS)}")
        if self.hours is not None and not are_hours(self.hours):
            found.append(f"hours={self.hours!r} must be like ('09:00', '18:00')")
        return found

    @property
    def fingerprint(self) -> str:
        """Of its settings, secrets included: it changes with them and tells nothing."""
        return fingerprint_of(self)


def fingerprint_of(channel: Channel, *more: str) -> str:
    """A keyed hash of a channel's fields, and of what else decides how it sends."""
    values = [
        f"{field.name}={getattr(channel, field.name)!r}"
        for field in dataclasses.fields(channel)
        if field.compare
    ]
    text = "\0".join([*values, *more])
    return salted_hmac("spotter.channels", text).hexdigest()[:16]


def fits(value: str, wanted: Wanted) -> bool:
    """Whether a label's value is what is wanted."""
    if isinstance(wanted, re.Pattern):
        return wanted.fullmatch(value) is not None
    return value == wanted if isinstance(wanted, str) else value in wanted


def are_hours(given: Sequence[str]) -> bool:
    """Whether these are a beginning and another end; that may be "24:00"."""
    if len(given) != 2:
        return False
    begin, end = (str(each) for each in given)
    is_end = end == "24:00" or CLOCK.fullmatch(end) is not None
    return CLOCK.fullmatch(begin) is not None and is_end and begin != end


def without_secrets(channel: Channel, text: str) -> str:
    """A text without what the channel's repr hides, should a receiver repeat it."""
    for field in dataclasses.fields(channel):
        value = () if field.repr else getattr(channel, field.name)
        for secret in (value,) if isinstance(value, str) else value:
            for part in (str(secret), *PARTS.findall(str(secret))):
                text = text.replace(part, FILTERED) if part else text
    return scrub_text(text)


def secret_id(target: str) -> str:
    """What stands for an address or a URL where neither may be written."""
    return salted_hmac("spotter.channels", target).hexdigest()[:12]


def send_to_each(
    targets: Sequence[str], told: Sequence[str], send: Callable[[str], None]
) -> None:
    """
    Send to every target that has not been told; go on whatever becomes of one.

    Raises:
        DeliveryError: for those that failed, with the ids of those who have it.
    """
    if not targets:
        raise DeliveryError("it has no receiver", permanent=True)
    done, errors = list(told), []
    for target in targets:
        if secret_id(target) in done:
            continue
        try:
            send(target)
        except DeliveryError as error:
            errors.append(error)
        else:
            done.append(secret_id(target))
    if errors:
        raise summary_of(errors, len(targets), done)


def summary_of(
    errors: Sequence[DeliveryError], count: int, told: Sequence[str]
) -> DeliveryError:
    """One error that stands for those of several targets."""
    text = "; ".join(sorted({str(error) for error in errors}))
    part = f"{len(errors)} of {count}: " if count > 1 else ""
    waits = [each.retry_after for each in errors if each.retry_after is not None]
    return DeliveryError(
        f"{part}{text}",
        # What waits for a temporary failure must not be given up for another's.
        permanent=all(each.permanent for each in errors),
        retry_after=max(waits, default=None),
        shut=count == len(errors) and all(each.shut for each in errors),
        told=told,
    )
