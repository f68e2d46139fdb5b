"""What requests ask for again and again, and what is kept of it."""

from __future__ import annotations

import operator

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Q
from django.http import HttpResponse
from django.urls import path
from django.views.generic.list import BaseListView

from spotter import recording
from spotter.fingerprints import statement_of
from spotter.recorders import work
from spotter.recorders.examples import Examples
from spotter.recorders.queries import capture, points
from spotter.recorders.queries.points import Fingerprints
from spotter.spans import QuerySpan
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


def writes_values_into_its_text(request):
    with connection.cursor() as cursor:
        for number in range(5):
            cursor.execute(f"SELECT name FROM auth_group WHERE id = {number}")
        for number in range(7):
            cursor.execute(f"SELECT name FROM auth_group WHERE id = {-number}")
    return HttpResponse("")


def asks_for_lists(request):
    for length in range(1, 8):
        Group.objects.in_bulk(range(length))
    for length in range(1, 10):
        list(Group.objects.filter(pk__in=range(length)))
    return HttpResponse("")


def takes(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT takes(%s)", [float(request.GET["seconds"])])
        return HttpResponse(cursor.fetchone())


class Asking:
    """A project's middleware that asks before the view does."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        User.objects.filter(pk=7).exists()
        return self.get_response(request)


urlpatterns = [
    path("list/", BaseListView.as_view(model=Group, allow_empty=False)),
    path("takes/", takes),
    path("same/", reads_the_same),
    path("get-or-create/", gets_or_creates),
    path("by-relation/", by_relation),
    path("by-key/", by_key),
    path("texts/", writes_values_into_its_text),
    path("lists/", asks_for_lists),
]


@pytest.fixture(autouse=True)
def process(settings, kept, monkeypatch):
    """A process that has just begun, with these views and an empty store."""
    monkeypatch.setattr(points, "_fingerprints", Fingerprints())
    monkeypatch.setattr(points, "is_worth_it", Examples().is_worth_it)
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


def test_loops_that_write_values_into_their_text_are_told_by_their_lines(client, kept):
    client.get("/texts/")
    recording.flush()
    first = writes_values_into_its_text.__code__.co_firstlineno + 3
    told = sorted((s.body["site"], s.body["count"]) for s in kept.samples("repeated"))
    name = "writes_values_into_its_text"
    assert [(site.rpartition("/")[2], count) for site, count in told] == [
        (f"test_in_requests.py:{first} {name}", 5),
        (f"test_in_requests.py:{first + 2} {name}", 7),
    ]


def test_loops_over_lists_of_any_length_are_told_what_they_ask_for(client, kept):
    client.get("/lists/")
    recording.flush()
    told = [s.body for s in kept.samples("repeated")]
    assert sorted(body["count"] for body in told) == [7, 9]
    assert len({body["site"] for body in told}) == 2
    for body in told:
        assert (body["kind"], body["model"]) == ("n_plus_one", "auth.Group")


def test_a_packages_view_asks_at_no_line_of_the_project(client, kept, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.Asking"]
    settings.SPOTTER = {**settings.SPOTTER, "SLOW_QUERY_SECONDS": 1e-9}
    client.get("/list/")
    recording.flush()
    sites = {each.body["text"]: each.body["site"] for each in kept.samples("statement")}
    (of_view,) = (site for text, site in sites.items() if "auth_group" in text)
    (of_middleware,) = (site for text, site in sites.items() if "auth_user" in text)
    assert of_view == ""
    assert of_middleware.endswith(" __call__")


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still but while a query runs that says how long it takes."""
    now = [0.0]
    monkeypatch.setattr(capture, "perf_counter", lambda: now[0])
    connection.ensure_connection()
    connection.connection.create_function(
        "takes", 1, lambda seconds: now.append(now.pop() + seconds)
    )


@pytest.mark.parametrize("seconds", [0.1, 0.101])
def test_a_slow_query_leaves_an_example(client, kept, clock, seconds):
    response = client.get(f"/takes/?seconds={seconds}")
    recording.flush()
    (sample,) = kept.samples("statement")
    told = sample.body
    assert (told["text"], told["why"]) == ("SELECT takes(%s)", "slow")
    assert (told["duration"], told["rows"], told["route"]) == (seconds, 1, "/takes/")
    assert told["site"].endswith(f":{takes.__code__.co_firstlineno + 2} takes")
    assert told["request_id"] == response.headers["X-Request-ID"]


def test_a_query_that_is_a_little_faster_leaves_none(client, kept, clock):
    client.get("/takes/?seconds=0.099")
    recording.flush()
    assert kept.samples("statement") == []


def test_three_calls_of_a_statement_are_stored_as_what_they_were(request_context, kept):
    spans = [QuerySpan(0.0, "SELECT 1 FROM t", "default", "sqlite") for _ in range(3)]
    for span, seconds, rows in zip(spans, (0.25, 0.5, 0.125), (3, 20, 7), strict=True):
        span.seconds, span.rows = seconds, rows
    recording.put(work.Spilled(request_context, [*spans]))
    key = statement_of("SELECT 1 FROM t").fingerprint
    for name, total, most in [
        ("spotter.db.statement.rows", 30.0, 20.0),
        ("spotter.db.statement.duration", 0.875, 0.5),
        ("spotter.db.statement.callers", 0.875, 0.5),
    ]:
        point = recorded(name, "db.query.fingerprint")[key]
        assert (point.count, point.sum, point.maximum) == (3, total, most)
