"""Alice the trainer, Bob her client, Charlie the stranger, and a task worker."""

from __future__ import annotations

import datetime as dt
import importlib.util
import signal
from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from trainerhub.accounts.models import User
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client
from trainerhub.trainers.models import Service, Trainer


@pytest.fixture(autouse=True)
def error_handler(settings):
    """Without the project's own error shape, these apps answer in REST framework's."""
    if importlib.util.find_spec("trainerhub.api.errors") is None:
        handler = "rest_framework.views.exception_handler"
        settings.REST_FRAMEWORK = {
            **settings.REST_FRAMEWORK,
            "EXCEPTION_HANDLER": handler,
        }


@pytest.fixture
def alice(db: None) -> Trainer:
    """A trainer in London who takes payments by hand."""
    user = User.objects.create_user("alice@example.org", None, full_name="Alice")
    return Trainer.objects.create(
        user=user,
        business_name="Alice Strength",
        payment_method=Trainer.PaymentMethod.MANUAL,
    )


@pytest.fixture
def bob(alice: Trainer) -> Client:
    """Alice's client, with a log-in of his own."""
    user = User.objects.create_user("bob@example.org", None, full_name="Bob")
    return Client.objects.create(
        trainer=alice,
        user=user,
        full_name="Bob",
        email=user.email,
        phone="+447700900123",
    )


@pytest.fixture
def charlie(db: None) -> Trainer:
    """Another trainer, who has nothing to do with Alice and Bob."""
    user = User.objects.create_user("charlie@example.org", None, full_name="Charlie")
    return Trainer.objects.create(user=user, business_name="Charlie Yoga")


@pytest.fixture
def booking(alice: Trainer, bob: Client) -> Booking:
    """Bob's hour with Alice the day after tomorrow, £45, confirmed."""
    service = Service.objects.create(
        trainer=alice, name="Personal training", duration_minutes=60, price_minor=4500
    )
    starts_at = timezone.now().replace(microsecond=0) + dt.timedelta(days=2)
    return Booking.objects.create(
        trainer=alice,
        client=bob,
        service=service,
        starts_at=starts_at,
        ends_at=starts_at + dt.timedelta(hours=1),
        status=Booking.Status.CONFIRMED,
        price_minor=4500,
        currency="GBP",
    )


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


@pytest.fixture
def run_tasks(transactional_db: None) -> Iterator[Callable[[], None]]:
    """Let the real worker of the database backend do all tasks that are due."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
    before = [signal.getsignal(number) for number in signals]

    def run() -> None:
        call_command(
            "db_worker", batch=True, interval=0, reload=False, startup_delay=False
        )

    yield run
    # The worker takes over the signals of the process that it runs in.
    for number, handler in zip(signals, before, strict=True):
        signal.signal(number, handler)
