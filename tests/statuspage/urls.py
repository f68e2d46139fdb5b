"""The addresses of a project that shows its status at an address of its own."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("spotter.urls")),
    path("status/", include("spotter.statuspage.urls")),
]
