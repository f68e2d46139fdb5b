"""Whatever its own document allows to be sent, the API does not break."""

from __future__ import annotations

import datetime as dt

import pytest
import schemathesis
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
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
def api_schema(db):
    return schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)


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


schema = schemathesis.pytest.from_fixture("api_schema")


@pytest.fixture(autouse=True)
def unthrottled(settings):
    rates = dict.fromkeys(("login", "register"), "1000000/min")
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_THROTTLE_RATES": settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
        | rates
    }


# Logging out would end the fuzzing of all that follows.
@schema.exclude(path="/api/users/logout/").parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_nothing_that_the_schema_describes_breaks_the_api(case, token):
    case.call_and_validate(
        headers={"Authorization": f"Token {token}"}, checks=CHECKS
    )
