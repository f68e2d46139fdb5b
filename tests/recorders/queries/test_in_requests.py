"""What requests ask for again and again, and what is kept of it."""

from __future__ import annotations

import operator

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.http import HttpResponse
from django.urls import path

from spotter import recording
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


def of_each(get, things):
    """A line that views have in common, such as a base class's."""
    return [get(thing) for thing in things]


def by_relation(request):
    permissions = Permission.objects.order_by("pk")[:6]
    of_each(operator.attrgetter("content_type"), permissions)
    return HttpResponse("")


def by_key(request):
    kinds = ContentType.objects.values_list("pk", flat=True)[:1]
    of_each(ContentType.objects.get, [Q(pk=pk) for pk in kinds] * 6)
    return HttpResponse("")


urlpatterns = [
    path("same/", reads_the_same),
    path("get-or-create/", gets_or_creates),
    path("by-relation/", by_relation),
    path("by-key/", by_key),
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


def test_views_that_share_a_line_are_told_their_own_relation(client, kept):
    client.get("/by-relation/")
    client.get("/by-key/")
    recording.flush()
    bodies = {each.body["route"]: each.body for each in kept.samples("repeated")}
    one, other = bodies["/by-relation/"], bodies["/by-key/"]
    assert (one["text"], one["site"]) == (other["text"], other["site"])
    assert one["relation"] == "Permission.content_type"
    assert other["relation"] == ""
