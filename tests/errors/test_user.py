"""The user of an event: the id alone, and never a question to the database."""

from __future__ import annotations

from types import SimpleNamespace

from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from spotter.errors import remember
from spotter.errors.user import current_user_id


def test_a_user_that_nobody_asked_for_is_not_fetched():
    def fetch():
        raise AssertionError("the database was asked")

    request = RequestFactory().get("/")
    request.user = SimpleLazyObject(fetch)  # type: ignore[assignment]
    remember(request)
    assert current_user_id() == ""


def test_a_user_that_was_fetched_is_known():
    request = RequestFactory().get("/")
    user = SimpleLazyObject(lambda: SimpleNamespace(pk=7))
    request.user = user  # type: ignore[assignment]
    assert user.pk == 7
    remember(request)
    assert current_user_id() == "7"
