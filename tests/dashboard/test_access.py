"""The dashboard is closed unless the user is staff with the permission."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User

from spotter.dashboard.checks import check_access, check_prefix
from tests.dashboard.conftest import PAGES

pytestmark = pytest.mark.django_db
CHECK = "tests.dashboard.conftest."


@pytest.fixture
def closed(store, settings):
    settings.SPOTTER = {**settings.SPOTTER, "DASHBOARD_ACCESS": ""}
    settings.LOGIN_URL = "/log-in/"


def allow(user):
    user.user_permissions.add(Permission.objects.get(codename="view_dashboard"))


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_sent_to_the_login_from_every_page(closed, client, page):
    answer = client.get(f"/spotter/{page}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/log-in/?next=%2Fspotter%2F")


def test_staff_without_the_permission_is_told_what_is_missing(closed, client, staff):
    client.force_login(staff)
    answer = client.get("/spotter/")
    assert answer.status_code == 403
    assert "Can see Spotter" in answer.content.decode()


def test_staff_with_the_permission_sees_it(closed, client, staff):
    allow(staff)
    client.force_login(staff)
    assert client.get("/spotter/").status_code == 200


def test_the_permission_alone_is_not_enough(closed, client):
    user = User.objects.create_user("customer")
    allow(user)
    client.force_login(user)
    assert client.get("/spotter/").status_code == 403


def test_a_superuser_sees_it_and_one_who_was_deactivated_does_not(closed, client):
    user = User.objects.create_superuser("root")
    client.force_login(user)
    assert client.get("/spotter/").status_code == 200
    user.is_active = False
    user.save()
    assert client.get("/spotter/").status_code == 302


@pytest.mark.parametrize(
    ("check", "status"), [("everybody", 200), ("nobody", 403), ("broken", 403)]
)
def test_the_projects_own_check_decides(store, settings, client, check, status):
    settings.SPOTTER = {**settings.SPOTTER, "DASHBOARD_ACCESS": CHECK + check}
    assert client.get("/spotter/").status_code == status


def test_a_check_that_cannot_be_imported_lets_nobody_in(store, settings, client):
    settings.SPOTTER = {**settings.SPOTTER, "DASHBOARD_ACCESS": "nowhere.at_all"}
    assert client.get("/spotter/").status_code == 403
    assert [error.id for error in check_access()] == ["spotter.E050"]


@pytest.mark.parametrize(
    ("prefix", "ids"),
    [("spotter", []), ("/ops/watch/", []), ("", ["spotter.E051"]), ("a b", ["spotter.E051"]), (7, ["spotter.E051"])],
)  # fmt: skip
def test_the_prefix_must_be_a_path(settings, prefix, ids):
    settings.SPOTTER = {"DASHBOARD_PREFIX": prefix}
    assert [error.id for error in check_prefix()] == ids


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_a_page_only_shows(store, client, method):
    assert getattr(client, method)("/spotter/").status_code == 405
