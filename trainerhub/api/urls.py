"""The API: each app brings its own addresses."""

from __future__ import annotations

from django.urls import include, path

APPS = [
    "accounts",
    "trainers",
    "clients",
    "bookings",
    "payments",
    "notifications",
    "workflows",
]
urlpatterns = [path("", include(f"trainerhub.{app}.urls")) for app in APPS]
