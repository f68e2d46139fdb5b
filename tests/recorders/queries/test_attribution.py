"""A repetition names the model and relation, read off the ORM at work."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.template import Context, Engine

from spotter.recorders.queries.repeats import find_repeats, grouped

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(request_context):
    kind = ContentType.objects.create(app_label="a", model="m")
    made = User.objects.bulk_create(User(username=f"u{n}") for n in range(6))
    Permission.objects.bulk_create(
        Permission(name=str(n), codename=str(n), content_type=kind) for n in range(6)
    )
    Group.objects.bulk_create(Group(name=str(n)) for n in range(6))
    for user in made:
        user.groups.add(*Group.objects.all())
    request_context.spans.clear()
    request_context.repeats.clear()
    return made


def permissions():
    return list(Permission.objects.order_by("pk")[:6])


def forward():
    for permission in permissions():
        assert permission.content_type


def backward():
    for user in User.objects.all():
        list(user.groups.all())


def deferred():
    for user in User.objects.only("pk"):
        assert user.username


def get():
    for pk in User.objects.values_list("pk", flat=True):
        User.objects.get(pk=pk)


def counted():
    for user in User.objects.all():
        user.groups.count()


def first():
    for user in User.objects.all():
        user.groups.order_by("name").first()


def exists():
    for user in User.objects.all():
        user.groups.filter(name="x").exists()


def saved():
    for user in User.objects.all():
        user.save()


TOLD = [
    (forward, "relation", "contenttypes.ContentType", "Permission.content_type"),
    (backward, "related", "auth.Group", "User.groups"),
    (deferred, "deferred", "auth.User", "User.username"),
    (get, "get", "auth.User", ""),
    (counted, "count", "auth.Group", "User.groups"),
    (first, "first", "auth.Group", "User.groups"),
    (exists, "exists", "auth.Group", "User.groups"),
    (saved, "save", "auth.User", ""),
]


@pytest.mark.parametrize(("work", "operation", "model", "relation"), TOLD)
def test_what_the_orm_was_doing_is_told(
    people, request_context, work, operation, model, relation
):
    work()
    (found,) = find_repeats(grouped(request_context.spans).values())
    told = found.told
    assert (told.operation, told.model, told.relation) == (operation, model, relation)
    assert f"{work.__code__.co_name}" in found.site


def test_a_template_names_its_line(people, request_context):
    page = "{% for p in all %}\n{{ p.content_type.model }}\n{% endfor %}"
    Engine().from_string(page).render(Context({"all": permissions()}))
    (found,) = find_repeats(grouped(request_context.spans).values())
    assert found.told.template.endswith(":2")
    assert found.told.relation == "Permission.content_type"


def test_raw_sql_tells_nothing(people, request_context):
    from django.db import connection

    with connection.cursor() as cursor:
        for number in range(6):
            cursor.execute("SELECT 1 WHERE 1 = %s", [number])
    (found,) = find_repeats(grouped(request_context.spans).values())
    assert (found.told.operation, found.kind) == ("", "n_plus_one")
