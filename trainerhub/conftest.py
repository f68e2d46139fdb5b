"""Alice the trainer, Bob her client, Charlie the stranger, and their API clients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from trainerhub.accounts.models import User
from trainerhub.clients.models import Client
from trainerhub.trainers.models import Availability, Service, Trainer

PASSWORD = "correct horse battery staple"  # noqa: S105 (made up for tests)
LONDON = ZoneInfo("Europe/London")
WORKING_DAYS = range(5)


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """No test is throttled for what another did."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice(db: None) -> Trainer:
    """A listed trainer in London who works from Monday to Friday, 9 to 17."""
    user = User.objects.create_user("alice@example.org", PASSWORD, full_name="Alice")
    trainer = Trainer.objects.create(
        user=user,
        business_name="Alice Strength",
        city="London",
        payment_method=Trainer.PaymentMethod.MANUAL,
    )
    Availability.objects.bulk_create(
        Availability(
            trainer=trainer, weekday=weekday, opens=dt.time(9), closes=dt.time(17)
        )
        for weekday in WORKING_DAYS
    )
    return trainer


@pytest.fixture
def service(alice: Trainer) -> Service:
    """Alice's hour at £45."""
    return Service.objects.create(
        trainer=alice, name="Personal training", duration_minutes=60, price_minor=4500
    )


@pytest.fixture
def bob(alice: Trainer) -> Client:
    """Alice's client, with a log-in of his own."""
    user = User.objects.create_user("bob@example.org", PASSWORD, full_name="Bob")
    return Client.objects.create(
        trainer=alice, user=user, full_name="Bob", email=user.email
    )


@pytest.fixture
def charlie(db: None) -> Trainer:
    """Another trainer, who has nothing to do with Alice and Bob."""
    user = User.objects.create_user(
        "charlie@example.org", PASSWORD, full_name="Charlie"
    )
    return Trainer.objects.create(user=user, business_name="Charlie Yoga", city="Leeds")


@pytest.fixture
def starts_at() -> dt.datetime:
    """Ten o'clock in London on a Monday at least a week ahead: Alice works then."""
    day = timezone.now().astimezone(LONDON).date() + dt.timedelta(days=7)
    day += dt.timedelta(days=-day.weekday() % 7)
    return dt.datetime.combine(day, dt.time(10), LONDON).astimezone(dt.UTC)


def api_client(user: User) -> APIClient:
    """An API client that carries a token of the user's."""
    client = APIClient()
    _, token = AuthToken.objects.create(user)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


@pytest.fixture
def anonymous() -> APIClient:
    """An API client without a token."""
    return APIClient()


@pytest.fixture
def as_alice(alice: Trainer) -> APIClient:
    """Alice, logged in."""
    return api_client(alice.user)


@pytest.fixture
def as_bob(bob: Client) -> APIClient:
    """Bob, logged in."""
    return api_client(User.objects.get(client_records=bob))


@pytest.fixture
def as_charlie(charlie: Trainer) -> APIClient:
    """Charlie, logged in."""
    return api_client(charlie.user)
