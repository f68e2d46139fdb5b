"""Spotter's addresses; mount them with `path("", include("spotter.urls"))`."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "spotter"
urlpatterns: list[URLPattern] = []
