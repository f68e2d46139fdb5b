"""A project in ten lines, and what it answers with nothing installed but the wheel."""

from __future__ import annotations

import django
from django.conf import settings
from django.core.management import call_command
from django.test import Client
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
answers = {url: Client().get(url) for url in ("/health/", "/live/", "/ready/")}
for url, answer in answers.items():
    print(url, answer.status_code, answer.content.decode())  # noqa: T201 (its purpose)
if any(answer.status_code != 200 for answer in answers.values()):
    raise SystemExit("a probe of the ten-line project is not well")
