"""The view, and what it asks the database with a customer's data as parameter."""

from __future__ import annotations

import json

from django.contrib.auth.models import User
from django.db import connection
from django.urls import path

from tests import canaries


def leak(request):
    data = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", [data["email"]])
    request.user = User(
        pk=7,
        email=canaries.CANARIES["user_email"],
        username=canaries.CANARIES["user_name"],
    )
    canaries.misbehave(request)


urlpatterns = [path("leak/", leak)]
