"""Structures: scrubbed copies, whatever is in them."""

from __future__ import annotations

import copy
import dataclasses

import pytest
from django.core.checks import run_checks
from django.http import QueryDict

from spotter.privacy import scrub
from spotter.privacy.deep import CYCLE, DEPTH_LIMIT, TOO_DEEP
from tests import canaries


@dataclasses.dataclass
class Login:
    """A thing with a careless repr."""

    password: str


class Unprintable:
    """A thing with a broken repr."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_what_came_in_is_never_changed():
    login = Login("hunter")
    given = {"a": [{"password": ["x", {"y": 1}]}], "b": (b"c", {"token": login})}
    before = copy.deepcopy(given)
    scrub(given)
    assert given == before
    assert login.password == "hunter"


def test_secrets_are_found_at_any_depth():
    given = {"a": [{"b": ({"password": "hunter"},)}]}
    assert scrub(given) == {"a": [{"b": ({"password": "[Filtered]"},)}]}


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        (Login("hunter"), "Login(password='[Filtered]')"),
        (Unprintable(), ""),
        (b"token=hunter", b"token=[Filtered]"),
        ([(b"authorization", b"x")], [(b"authorization", "[Filtered]")]),
        ({"jane@example.com": 1}, {"[Filtered]": 1}),
        (4111111111111111, "[Filtered]"),
        ({"password": None, "token": True}, {"password": None, "token": True}),
        ({1, 2}, {1, 2}),
        (1640000000.5, 1640000000.5),
    ],
)  # fmt: skip
def test_every_kind_of_value(given, clean):
    assert scrub(given) == (clean or "<Unprintable whose repr() failed>")


def test_all_the_values_of_a_query_are_looked_at():
    query = QueryDict("mail=a%40example.com&mail=b%40example.com")
    assert scrub(query) == {"mail": ["[Filtered]", "[Filtered]"]}


def test_a_cycle_and_a_well_have_an_end():
    cycle: list[object] = []
    cycle.append(cycle)
    assert scrub(cycle) == [CYCLE]
    well: list[object] = []
    for _ in range(DEPTH_LIMIT * 3):
        well = [well]
    assert TOO_DEEP in str(scrub(well))


def test_identifiers_that_look_like_cards_stay():
    given = {"span_id": "4111111111111111"}
    assert scrub(given) == given


def test_a_field_can_be_let_through(settings):
    settings.SPOTTER = {"PRIVACY_ALLOW_KEYS": ["session"]}
    assert scrub({"session": "hiit", "token": "x"})["session"] == "hiit"


def test_none_of_the_canaries_survives():
    given = {
        "body": canaries.body(), "headers": canaries.headers(), "q": canaries.query()
    }  # fmt: skip
    assert canaries.leaked(str(scrub(given))) == []


@pytest.mark.parametrize(
    ("setting", "check"),
    [
        ({"PRIVACY_ALLOW": ["emial"]}, "spotter.E031"),
        ({"PRIVACY_ALLOW": ["password"]}, "spotter.E031"),
        ({"PRIVACY_ALLOW": "email"}, "spotter.E032"),
        ({"PRIVACY_ALLOW_KEYS": "session"}, "spotter.E032"),
    ],
)
def test_a_wrong_setting_is_a_system_check(settings, setting, check):
    settings.SPOTTER = setting
    found = run_checks(tags=["spotter"])
    assert [message.id for message in found] == [check]
    assert found[0].hint
