"""How busy each hour of a week is, and what people do then."""

from __future__ import annotations

from dataclasses import dataclass

HOURS_A_WEEK = 168
# Requests an hour, relative to each other: people book before work, at lunch and in
# the evening; Monday is full of good intentions.
HOURS = (
    *(0.10, 0.06, 0.04, 0.04, 0.08, 0.30, 0.90, 1.40, 1.50, 1.20, 1.00, 1.10),
    *(1.50, 1.20, 0.90, 0.90, 1.10, 1.60, 2.00, 2.10, 1.90, 1.40, 0.80, 0.30),
)
DAYS = (1.30, 1.15, 1.05, 1.00, 0.85, 0.75, 0.90)
MEAN = sum(HOURS) * sum(DAYS) / HOURS_A_WEEK

# What people do, by how often; what scanners do does not follow people's hours.
PEOPLE = {
    "browse": 22,
    "look at bookings": 22,
    "book": 16,
    "look at clients": 10,
    "confirm or complete": 8,
    "pay": 6,
    "cancel": 4,
    "race for a slot": 2,
    "log in": 2,
    "mistype the password": 2,
    "register": 2,
    "read the report": 2,
}
SCANNERS = {"scan for weaknesses": 2}


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in the compressed week, from 0 to 1 of it."""

    share: float

    @property
    def hour(self) -> int:
        """The hour of the week, 0 to 167; Monday, midnight is 0."""
        return int(self.share % 1 * HOURS_A_WEEK) % HOURS_A_WEEK

    @property
    def activity(self) -> float:
        """How busy it is; 1 is the week's mean."""
        return HOURS[self.hour % 24] * DAYS[self.hour // 24] / MEAN

    @property
    def label(self) -> str:
        days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
        return f"{days[self.hour // 24]} {self.hour % 24:02}:00"

    def weights(self) -> dict[str, float]:
        """How likely each action is now."""
        people = {name: weight * self.activity for name, weight in PEOPLE.items()}
        return people | SCANNERS
