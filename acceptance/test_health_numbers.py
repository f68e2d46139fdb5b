"""What TrainerHub counts for `/metrics/`."""

from __future__ import annotations

import datetime

import pytest
import time_machine

from trainerhub import observability
from trainerhub.accounts.models import User
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client
from trainerhub.trainers.models import Service, Trainer

pytestmark = pytest.mark.django_db
MIDNIGHT = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)


@pytest.fixture
def trainer():
    user = User.objects.create_user("ann@example.com", None, full_name="Ann")
    return Trainer.objects.create(user=user, business_name="Ann's")


def book(trainer, starts_at):
    client, _ = Client.objects.get_or_create(trainer=trainer, full_name="Bob")
    service, _ = Service.objects.get_or_create(
        trainer=trainer, name="Run", duration_minutes=60, price_minor=4500
    )
    return Booking.objects.create(
        trainer=trainer,
        client=client,
        service=service,
        starts_at=starts_at,
        ends_at=starts_at + datetime.timedelta(hours=1),
        price_minor=4500,
        currency="GBP",
    )


def test_people_and_those_of_them_who_train(trainer):
    User.objects.create_user("bob@example.com", None, full_name="Bob")
    assert observability.users() == {"total": 2, "trainers": 1}


@pytest.mark.parametrize(
    ("seconds", "today"), [(-1, 0), (0, 1), (86_399, 1), (86_400, 0)]
)
def test_todays_bookings_start_on_this_utc_day(trainer, seconds, today):
    book(trainer, MIDNIGHT + datetime.timedelta(seconds=seconds))
    with time_machine.travel(MIDNIGHT + datetime.timedelta(hours=12), tick=False):
        assert observability.bookings() == {"total": 1, "today": today}


def test_clients_of_all_trainers(trainer):
    book(trainer, MIDNIGHT)
    assert observability.clients() == {"total": 1}
