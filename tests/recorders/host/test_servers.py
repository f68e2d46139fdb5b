"""How many workers a command line asks for, where nothing else says so."""

from __future__ import annotations

import pytest

from spotter.recorders.host.servers import option_of


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (["granian", "--workers", "4", "app"], 4),
        (["granian", "--workers=3"], 3),
        (["granian", "--workers"], None),
        (["granian", "--workers", "many"], None),
        (["granian", "--workers-lifetime", "60"], None),
        ([], None),
    ],
)
def test_the_number_of_an_option_is_read(arguments, number):
    assert option_of(arguments, "--workers") == number
