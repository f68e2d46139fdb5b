"""Fill {placeholders} in a text: names from a closed list, and nothing else."""

from __future__ import annotations

import string
from collections.abc import Collection, Iterator, Mapping


def check(text: str, allowed: Collection[str]) -> None:
    """
    Refuse a text that could not be filled.

    Raises:
        ValueError: what is wrong with it, for the person who wrote it.
    """
    for name in _names(text):
        if name not in allowed:
            known = ", ".join(f"{{{one}}}" for one in sorted(allowed))
            raise ValueError(f"There is no {{{name[:50]}}} here; there are {known}.")


def render(text: str, values: Mapping[str, str]) -> str:
    """Fill a text that was checked; {{ and }} stand for the braces themselves."""
    parts = []
    for literal, name in _parts(text):
        parts.append(literal)
        if name is not None:
            parts.append(values[name])
    return "".join(parts)


def _names(text: str) -> Iterator[str]:
    return (name for _, name in _parts(text) if name is not None)


def _parts(text: str) -> Iterator[tuple[str, str | None]]:
    """Cut it into literals and names; what str.format() knows more of is refused."""
    try:
        for literal, name, form, conversion in string.Formatter().parse(text):
            if form or conversion:
                raise ValueError
            yield literal, name
    except ValueError:
        raise ValueError(
            "Write placeholders as {name}, and braces themselves as {{ and }}."
        ) from None
