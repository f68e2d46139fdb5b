"""The operators of conditions, as a table."""

from __future__ import annotations

import pytest

from trainerhub.workflows import conditions

EVENT = {"price": 4500, "share": 0.5, "name": "Personal Training", "open": True}


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("price", "eq", 4500, True),
        ("price", "eq", 4500.0, True),
        ("price", "eq", "4500", False),
        ("price", "ne", 4500, False),
        ("price", "ne", 4501, True),
        ("price", "gt", 4499, True),
        ("price", "gt", 4500, False),
        ("price", "gt", 4501, False),
        ("price", "gte", 4499, True),
        ("price", "gte", 4500, True),
        ("price", "gte", 4501, False),
        ("price", "lt", 4499, False),
        ("price", "lt", 4500, False),
        ("price", "lt", 4501, True),
        ("price", "lte", 4499, False),
        ("price", "lte", 4500, True),
        ("price", "lte", 4501, True),
        ("share", "lt", 1, True),
        ("price", "gt", "a", False),
        ("name", "gt", 1, False),
        ("name", "gt", "P", True),
        ("name", "eq", "Personal Training", True),
        ("name", "eq", "personal training", False),
        ("name", "contains", "TRAIN", True),
        ("name", "contains", "yoga", False),
        ("price", "contains", "4", False),
        ("price", "in", [1, 4500], True),
        ("price", "in", [1, "4500"], False),
        ("name", "in", ["Yoga"], False),
        ("open", "eq", True, True),
        ("open", "eq", 1, False),
        ("open", "in", [1], False),
        ("missing", "eq", None, False),
        ("missing", "ne", "x", False),
    ],
)
def test_a_condition_holds_or_not(field, operator, value, expected):
    condition = {"field": field, "operator": operator, "value": value}
    assert conditions.holds(condition, EVENT) is expected


def test_all_conditions_must_hold():
    dear = {"field": "price", "operator": "gt", "value": 4000}
    yoga = {"field": "name", "operator": "contains", "value": "yoga"}
    assert conditions.all_hold([dear], EVENT)
    assert not conditions.all_hold([dear, yoga], EVENT)


def test_without_conditions_every_event_will_do():
    assert conditions.all_hold([], {})


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("eq", "x" * conditions.MAX_TEXT),
        ("eq", True),
        ("eq", conditions.MAX_INTEGER),
        ("gt", 0.5),
        ("gt", "a"),
        ("contains", "a"),
        ("in", [1, "a", False]),
        ("in", [0] * conditions.MAX_ITEMS),
    ],
)
def test_a_value_that_makes_sense_is_taken(operator, value):
    conditions.check_value(operator, value)


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("eq", "x" * (conditions.MAX_TEXT + 1)),
        ("eq", conditions.MAX_INTEGER + 1),
        ("eq", 10**400),
        ("eq", float("inf")),
        ("eq", float("nan")),
        ("eq", "a\0b"),
        ("eq", "\ud800"),
        ("eq", None),
        ("eq", {"a": 1}),
        ("eq", [1]),
        ("gt", True),
        ("contains", 4),
        ("in", 4),
        ("in", []),
        ("in", [[1]]),
        ("in", [0] * (conditions.MAX_ITEMS + 1)),
        ("in", ["a\0b"]),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(operator, value):
    with pytest.raises(ValueError, match=r"Give|large|stored"):
        conditions.check_value(operator, value)
