"""What happens is told once it is committed, whoever listens."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.dispatch import Signal

from trainerhub.lib.happenings import tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def happening():
    return Signal()


@pytest.fixture
def heard(happening):
    facts = []

    def listen(**sent):
        facts.append(sent["what"])

    happening.connect(listen, weak=False)
    return facts


def test_it_is_told_when_it_is_committed(happening, heard):
    with transaction.atomic():
        tell(happening, what="a")
        assert heard == []
    assert heard == ["a"]


def test_what_was_rolled_back_has_not_happened(happening, heard):
    with transaction.atomic():
        tell(happening, what="a")
        transaction.set_rollback(True)
    assert heard == []


def test_a_listener_that_fails_fails_nobody_else(happening, heard):
    def fail(**sent):
        raise LookupError("the listener is broken")

    happening.connect(fail, weak=False)
    tell(happening, what="a")
    assert heard == ["a"]
