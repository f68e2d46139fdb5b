"""What requests ask for again and again, and what is kept of it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.urls import path

from tests.kept import recorded

pytestmark = pytest.mark.django_db


def reads_the_same(request):
    for _ in range(6):
        Group.objects.filter(name="ann").exists()
    return HttpResponse("")


def gets_or_creates(request):
    for number in range(6):
        Group.objects.get_or_create(name=str(number))
    return HttpResponse("")


urlpatterns = [
    path("same/", reads_the_same),
    path("get-or-create/", gets_or_creates),
]


@pytest.fixture(autouse=True)
def urls(settings, kept):
    """These views, and a store that nothing has been written to."""
    settings.ROOT_URLCONF = __name__


def repeated():
    return recorded("spotter.db.repeated", "http.route", "kind")


@pytest.mark.parametrize("seconds", [0.0, 3600.0])
def test_a_request_that_reads_the_same_again_is_a_duplicate_however_slow(
    client, settings, seconds
):
    settings.SPOTTER = {**settings.SPOTTER, "SLOW_QUERY_SECONDS": seconds}
    client.get("/same/")
    assert list(repeated()) == [("/same/", "duplicate_read")]


def test_get_or_create_in_a_loop_is_one_finding(client):
    client.get("/get-or-create/")
    assert list(repeated()) == [("/get-or-create/", "get_or_create_loop")]
    client.get("/get-or-create/")
    assert set(repeated()) == {
        ("/get-or-create/", "get_or_create_loop"),
        # Nothing to create any more: what is left is reading one by one.
        ("/get-or-create/", "n_plus_one"),
    }
