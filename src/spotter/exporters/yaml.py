"""YAML as far as configuration needs it, so that Spotter needs no library for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: What stays what it is without quotes, to YAML 1.1's readers too.
PLAIN = re.compile(r"[A-Za-z_/][\w./-]*( [\w./-]+)*")
TAKEN = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


def dump(value: Any, *, head: str = "") -> str:
    """A document of mappings, lists and plain values, after a comment."""
    comment = [f"# {line}".rstrip() for line in head.splitlines()]
    return "\n".join([*comment, *lines(value)]) + "\n"


def lines(value: Any) -> Iterator[str]:
    """A mapping's or list's lines, without indentation."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from entry(f"{scalar(name)}:", each)
    else:
        for each in value:
            yield from item(each)


def entry(name: str, value: Any) -> Iterator[str]:
    """One pair of a mapping."""
    if isinstance(value, str) and "\n" in value:
        yield f"{name} |-"
        yield from (f"  {line}".rstrip() for line in value.splitlines())
    elif is_block(value):
        yield name
        yield from (f"  {line}".rstrip() for line in lines(value))
    else:
        yield f"{name} {scalar(value)}"


def item(value: Any) -> Iterator[str]:
    """One item of a list."""
    if not is_block(value):
        yield f"- {scalar(value)}"
        return
    for number, line in enumerate(lines(value)):
        yield f"{'  ' if number else '- '}{line}".rstrip()


def is_block(value: Any) -> bool:
    """Whether it takes lines of its own."""
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return bool(value) and (is_list or isinstance(value, Mapping))


def scalar(value: Any) -> str:
    """A plain value, in quotes where it would be read as something else."""
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in TAKEN:
        return value
    if (
        isinstance(value, str)
        and '"' in value
        and "'" not in value
        and "\\" not in value
        and value.isprintable()
    ):
        return f"'{value}'"  # easier to read than with every quote escaped
    # JSON is YAML.
    return json.dumps(value, ensure_ascii=False)
