"""The views that `benchmarks.request` asks for, in the order of its VIEWS."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import path


def empty(request: HttpRequest) -> HttpResponse:
    """Do nothing."""
    return HttpResponse(b"")


def busy(request: HttpRequest) -> HttpResponse:
    """Ask the database ten times and the cache five times."""
    for number in range(10):
        User.objects.filter(pk=number).first()
    for number in range(5):
        cache.get(f"key-{number}")
    return HttpResponse(b"")


def rows(request: HttpRequest) -> HttpResponse:
    """Read fifty rows in one query."""
    return HttpResponse(" ".join(user.username for user in User.objects.all()[:50]))


urlpatterns = [path("0/", empty), path("1/", busy), path("2/", rows)]
