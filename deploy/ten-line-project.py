"""A project in ten lines; that it checks clean shows that the wheel is whole."""

from __future__ import annotations

import django
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path

settings.configure(
    SECRET_KEY="ten lines",
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["spotter"],
    MIDDLEWARE=["spotter.middleware.SpotterMiddleware"],
)
urlpatterns = [path("", include("spotter.urls"))]
django.setup()
call_command("check", fail_level="WARNING")
