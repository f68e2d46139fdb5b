"""Texts are filled from a closed list of words."""

from __future__ import annotations

import pytest

from trainerhub.lib.money import in_words
from trainerhub.workflows import templates

NAMES = {"name", "time"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi", "Hi"),
        ("Hi {name}!", "Hi {Bob}!"),
        ("{name}{time}", "{Bob}10:00"),
        ("{{name}}", "{name}"),
        ("", ""),
    ],
)
def test_placeholders_are_filled_and_not_looked_into_again(text, expected):
    templates.check(text, NAMES)
    values = {"name": "{Bob}", "time": "10:00"}
    assert templates.render(text, values) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{nobody}",
        "{}",
        "{0}",
        "{name.__class__}",
        "{name[0]}",
        "{name!r}",
        "{name:>99999999}",
        "{name:{time}}",
        "{name",
        "name}",
        "{ name }",
        "{" * 501,
    ],
)
def test_all_else_in_braces_is_refused(text):
    with pytest.raises(ValueError, match=r"There is no|Write placeholders"):
        templates.check(text, NAMES)


def test_a_refusal_says_what_there_is():
    with pytest.raises(
        ValueError, match=r"no \{nme\} here; there are \{name\}, \{time\}"
    ):
        templates.check("{nme}", NAMES)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (4500, "GBP", "45.00 GBP"),
        (5, "EUR", "0.05 EUR"),
        (4500, "JPY", "4500 JPY"),
        (4500, "KWD", "4.500 KWD"),
    ],
)
def test_money_is_written_with_the_currencys_decimals(amount, currency, expected):
    assert in_words(amount, currency) == expected
