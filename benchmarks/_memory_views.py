"""Two hundred routes that ask two thousand different statements."""

from __future__ import annotations

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.memory import ROUTES


def view(request: HttpRequest, number: int) -> HttpResponse:
    """Ask two statements of this number's own, and the cache."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT username AS u{number} FROM auth_user WHERE id = %s", [1]
        )
        cursor.fetchall()
        cursor.execute("SELECT id FROM auth_user WHERE id = %s", [number])
        cursor.fetchall()
    cache.get(f"user:{number}")
    return HttpResponse(b"")


urlpatterns = [path(f"route-{n}/<int:number>/", view) for n in range(ROUTES)]
