"""A Django project of the careless kind, to be served by a real HTTP server."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import django
import sentry_sdk
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests import canaries

logger = logging.getLogger("trainerhub.bookings")


class Customer:
    """A user that needs no database."""

    pk = 4711
    is_authenticated = True
    email = canaries.CANARIES["user_email"]

    def get_username(self) -> str:
        return canaries.CANARIES["user_name"]


def boom(request: HttpRequest) -> HttpResponse:
    request.user = Customer()  # type: ignore[assignment]
    sentry_sdk.set_user({"id": 1, "email": Customer.email, "username": "x"})
    sentry_sdk.set_context("customer", canaries.body())
    sentry_sdk.set_extra("payload", canaries.body())
    sentry_sdk.set_tag("mail", Customer.email)
    sentry_sdk.add_breadcrumb(message=f"of {Customer.email}", data=canaries.body())
    sentry_sdk.metrics.count("boom", 1, attributes={"mail": Customer.email})
    sentry_sdk.get_current_scope().add_attachment(
        bytes=f"password={canaries.CANARIES['body_password']}".encode(), filename="a"
    )
    with sentry_sdk.start_span(op="mail", name=f"to {Customer.email}") as span:
        span.set_data("password", canaries.CANARIES["body_password"])
    canaries.misbehave(request)
    return HttpResponse("never")


def examples(request: HttpRequest) -> HttpResponse:
    """The five code examples of the customer's document."""
    try:
        raise ValueError("risky operation")
    except Exception as e:  # noqa: BLE001 (the document's words)
        sentry_sdk.capture_exception(e)
    sentry_sdk.set_context("trainer", {"id": 7, "business_name": "Strong Ltd"})
    sentry_sdk.add_breadcrumb(category="auth", message="User logged in", level="info")
    with sentry_sdk.start_transaction(op="task", name="process_payment"):
        logger.info("payment processed")
    try:
        raise KeyError("booking")
    except Exception:
        logger.exception("Failed to process booking")
    with sentry_sdk.monitor(monitor_slug="reminders"):
        return HttpResponse("done")


def fine(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return HttpResponse("fine")


def refuse(request: HttpRequest, token: str) -> HttpResponse:
    raise LookupError(f"{request.path} is over")


urlpatterns = [
    path("boom/", boom),
    path("examples/", examples),
    path("fine/", fine),
    path("health/", fine),
    path("reset/<str:token>/", fine),
    path("refuse/<str:token>/", refuse),
]


def make_application() -> Any:
    """Set Django up in this process as a project's wsgi.py does."""
    settings.configure(
        SECRET_KEY="a key for tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["spotter"],
        MIDDLEWARE=["spotter.middleware.SpotterMiddleware"],
        LOGGING_CONFIG=None,
        SPOTTER={"SENTRY_OPTIONS": {"enable_logs": True}},
    )
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("tests").setLevel(logging.INFO)
    django.setup()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


if os.environ.get("SPOTTER_SERVED"):
    sys.modules.setdefault("tests.errors.served", sys.modules[__name__])
    application = make_application()
