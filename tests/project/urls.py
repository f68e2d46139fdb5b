"""The addresses of the project that Spotter's tests run in."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("spotter.urls"))]
