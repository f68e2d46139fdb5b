"""Which alerts a silence is about: labels compared as Alertmanager compares them."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping, Sequence

from spotter.exceptions import SpotterError

OPERATORS = ("!=", "=~", "!~", "=")
MAX_MATCHERS, MAX_VALUE = 10, 200
#: More repetitions in one pattern, and a long label could keep the watcher busy.
MAX_REPEATS = 4
_MATCHER = re.compile(
    r"\s*(?P<name>[A-Za-z_][\w.]*)\s*(?P<operator>!=|=~|!~|=)\s*"
    r"(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<plain>[^\s,\"][^,]*?))\s*(?:,|$)"
)
_HARMLESS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]")


class MatcherError(SpotterError):
    """What was written is no matcher."""


@dataclasses.dataclass(frozen=True, slots=True)
class Matcher:
    """
    One condition on one label; a label that an alert does not have is "".

    A pattern must match the whole value, as in Prometheus and Alertmanager.
    """

    name: str
    operator: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels meets it."""
        known = labels.get(self.name, "")
        if self.operator in ("=", "!="):
            found = known == self.value
        else:
            found = compiled(self.value).fullmatch(known[: 2 * MAX_VALUE]) is not None
        return found is (self.operator in ("=", "=~"))

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name}{self.operator}"{escaped}"'


def parse(text: str) -> list[Matcher]:
    r"""
    Read matchers such as `rule=HighCPU, host.name=~"web-\d+"`.

    Raises:
        MatcherError: it is none, or would mute everything.
    """
    found, position = [], 0
    while text[position:].strip():
        match = _MATCHER.match(text, position)
        if match is None:
            raise MatcherError(
                f"{text[position:].strip()[:80]!r} is no matcher: write a label, one of "
                '= != =~ !~ and a value, such as rule=HighCPU or host.name=~"web-.+", '
                "with commas between them."
            )
        value = match["plain"]
        if value is None:
            value = re.sub(r"\\([\"\\])", r"\1", match["quoted"])
        found.append(Matcher(match["name"], match["operator"], value))
        position = match.end()
    return checked(found)


def checked(matchers: Sequence[Matcher]) -> list[Matcher]:
    """Refuse what cannot be used."""
    if not matchers:
        raise MatcherError("A silence needs a matcher, such as rule=HighCPU.")
    if len(matchers) > MAX_MATCHERS:
        raise MatcherError(f"A silence has at most {MAX_MATCHERS} matchers.")
    for each in matchers:
        if len(each.value) > MAX_VALUE:
            raise MatcherError(f"A value has at most {MAX_VALUE} characters.")
        if each.operator in ("=~", "!~"):
            check_pattern(each.value)
    if all(each.matches({}) for each in matchers):
        # As Alertmanager: what every alert meets was hardly meant.
        raise MatcherError(
            "These matchers hold for an alert without any label, so they would mute "
            'everything. If that is wanted, say so: rule=~".+".'
        )
    return list(matchers)


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that is none, or that could take for ever on a long label."""
    try:
        compiled(pattern)
    except re.error as error:
        raise MatcherError(f"{pattern!r} is no regular expression: {error}.") from error
    bare = _HARMLESS.sub("x", pattern)
    is_nested = re.search(r"\)[*+{]|\(\?(?!:)|\\\d", bare) or re.search(
        r"\\[1-9]", pattern
    )
    if is_nested or len(re.findall(r"[*+?{]", bare.replace("(?:", "("))) > MAX_REPEATS:
        raise MatcherError(
            f"{pattern!r} is too intricate: repeat single characters or classes, not "
            f"groups, at most {MAX_REPEATS} times, without look-around or references."
        )


@functools.lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern, compiled once."""
    return re.compile(pattern)


def written(matchers: Iterable[Matcher]) -> str:
    """As people write them, and `parse` reads them."""
    return ", ".join(str(each) for each in matchers)


def of(given: Mapping[str, str] | Iterable[Sequence[str]]) -> tuple[Matcher, ...]:
    """From JSON, or from labels that must be equal."""
    if isinstance(given, Mapping):
        return tuple(Matcher(name, "=", value) for name, value in given.items())
    return tuple(Matcher(*each) for each in given)
