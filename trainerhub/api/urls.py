"""The API: each app brings its own addresses."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.permissions import AllowAny

APPS = [
    "accounts",
    "trainers",
    "clients",
    "bookings",
    "payments",
    "notifications",
    "workflows",
]
OPEN = {"authentication_classes": [], "permission_classes": [AllowAny]}
urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(**OPEN), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(**OPEN), name="docs"),
    *(path("", include(f"trainerhub.{app}.urls")) for app in APPS),
]
