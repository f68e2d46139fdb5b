"""How many workers a command line asks for, where nothing else says so."""

from __future__ import annotations

import importlib

import pytest
from django.utils.functional import SimpleLazyObject, empty

from spotter.recorders.host.servers import of_gunicorn, option_of


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


def test_who_looks_for_the_worker_leaves_a_lazy_user_alone():
    importlib.import_module("gunicorn.workers.base")
    user = SimpleLazyObject(lambda: "ann")
    # As in a frame of a method of the object's own, while it is being read.
    assert (lambda self: of_gunicorn())(user) is None
    assert user._wrapped is empty
