"""A Django project for measuring web servers: a JSON list of bookings, and a wait."""

from __future__ import annotations

import atexit
import os
import pathlib
import time

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks._booking_list_settings"
application = get_wsgi_application()

from trainerhub.bookings.models import Booking  # noqa: E402 (apps must be loaded)

PAGE = 25


def bookings(request: HttpRequest) -> JsonResponse:
    """One page, as the API gives it: three tables, one query."""
    page = Booking.objects.select_related("client", "service")[:PAGE]
    return JsonResponse(
        {
            "results": [
                {
                    "id": booking.pk,
                    "starts_at": booking.starts_at,
                    "ends_at": booking.ends_at,
                    "status": booking.status,
                    "client": booking.client.full_name,
                    "service": booking.service.name,
                    "price_minor": booking.price_minor,
                }
                for booking in page
            ]
        }
    )


def wait(request: HttpRequest) -> JsonResponse:
    """What a request does whose dependency hangs."""
    time.sleep(float(request.GET["seconds"]))
    return JsonResponse({})


urlpatterns = [path("bookings/", bookings), path("wait/", wait)]


@atexit.register
def say_goodbye() -> None:
    """Leave a mark, as telemetry does that is flushed at the end."""
    folder = pathlib.Path(os.environ["TRAINERHUB_HOME"])
    (folder / f"ended-{os.getpid()}").touch()
