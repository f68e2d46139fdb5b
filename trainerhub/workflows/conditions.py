"""Whether an event is one that a workflow waits for: values in, a truth out."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAX_CONDITIONS = 20
MAX_TEXT = 200
MAX_ITEMS = 50
MAX_INTEGER = 2**63 - 1

Test = Callable[[Any, Any], bool]


def all_hold(conditions: Sequence[Mapping[str, Any]], event: Mapping[str, Any]) -> bool:
    """Whether each of them holds; with none, every event will do."""
    return all(holds(condition, event) for condition in conditions)


def holds(condition: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether one holds; about what the event does not have, nothing does."""
    found = event.get(condition["field"])
    if found is None:
        return False
    return OPERATORS[condition["operator"]](found, condition["value"])


def check_value(operator: str, value: Any) -> None:
    """
    Refuse a value that the operator could not be asked with.

    Raises:
        ValueError: what is wrong with it, for the person who gave it.
    """
    if operator == "in":
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_ITEMS:
            raise ValueError(f"Give a list of 1 to {MAX_ITEMS} values.")
        for item in value:
            _check_one(item)
        return
    _check_one(value)
    if operator == "contains" and not isinstance(value, str):
        raise ValueError("Give a text to look for.")
    if operator in ORDERED and isinstance(value, bool):
        raise ValueError("Give a number or a text to compare with.")


def _check_one(value: Any) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, bool):
        return
    elif not isinstance(value, int | float):
        raise ValueError("Give a text, a number, true or false.")
    # Not isfinite(), which fails on integers that no float can hold.
    elif not abs(value) <= MAX_INTEGER:
        raise ValueError("The number is too large.")


def _check_text(value: str) -> None:
    if len(value) > MAX_TEXT:
        raise ValueError(f"Give at most {MAX_TEXT} characters.")
    # Neither can be stored: PostgreSQL has no NUL, UTF-8 no surrogates.
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("The text has characters that cannot be stored.")


def _equal(found: Any, value: Any) -> bool:
    # To Python True is 1.
    if isinstance(found, bool) != isinstance(value, bool):
        return False
    return bool(found == value)


def _differs(found: Any, value: Any) -> bool:
    return not _equal(found, value)


def _compares(test: Test) -> Test:
    def compare(found: Any, value: Any) -> bool:
        # Text with text and number with number; else it does not hold.
        if isinstance(found, str) != isinstance(value, str):
            return False
        return bool(test(found, value))

    return compare


def _contains(found: Any, value: Any) -> bool:
    return isinstance(found, str) and value.casefold() in found.casefold()


def _is_in(found: Any, value: Any) -> bool:
    return any(_equal(found, item) for item in value)


ORDERED = {
    "gt": _compares(operator.gt),
    "gte": _compares(operator.ge),
    "lt": _compares(operator.lt),
    "lte": _compares(operator.le),
}
OPERATORS: dict[str, Test] = {
    "eq": _equal,
    "ne": _differs,
    **ORDERED,
    "contains": _contains,
    "in": _is_in,
}
