"""Whatever its own document allows to be sent, the API does not break."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import schemathesis
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from trainerhub.accounts.services import issue_token
from trainerhub.bookings import services
from trainerhub.clients.services import add_note, sell_package
from trainerhub.wsgi import application

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.fixture
def token(alice, bob, service, starts_at):
    """Alice's token, with something behind each address."""
    add_note(client=bob, body="Likes rowing")
    sell_package(client=bob, name="Ten", sessions_total=10, price_minor=40000)
    services.book_for_client(
        trainer=alice, client=bob, service=service, starts_at=starts_at
    )
    assert starts_at > timezone.now() + dt.timedelta(days=1)
    return issue_token(user=alice.user)


@pytest.fixture(autouse=True)
def unthrottled(settings):
    rates = dict.fromkeys(("login", "register"), "1000000/min")
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_THROTTLE_RATES": settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
        | rates
    }


OPTIONS = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_nothing_that_the_schema_describes_breaks_the_api(token):
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    operations = [
        one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)
    ]
    assert len(operations) > 30
    for operation in operations:
        # Logging out would end the fuzzing of all that follows.
        if not operation.path.endswith("/logout/"):
            fuzz(operation, {"Authorization": f"Token {token}"})


def fuzz(operation: APIOperation[Any, Any, Any, Any], headers: dict[str, str]) -> None:
    @OPTIONS
    @given(case=operation.as_strategy())
    def answers(case):
        case.call_and_validate(headers=headers, checks=CHECKS)

    answers()
