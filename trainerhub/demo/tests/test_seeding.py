"""The demo data is believable, consistent, and created once."""

from __future__ import annotations

import datetime as dt
import itertools
import stat
import zoneinfo

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import Count, F, Q

from trainerhub.accounts.models import User
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client, Package
from trainerhub.demo import logins, seeding
from trainerhub.payments.models import Payment
from trainerhub.trainers.models import Service, Trainer

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 25, 14, 20, tzinfo=dt.UTC)  # four days before clocks change


@pytest.fixture
def seeded():
    seeding.seed(logins.make(), NOW)


@pytest.fixture
def home(settings, tmp_path):
    settings.VAR = tmp_path
    return tmp_path


def test_there_are_a_dozen_trainers_hundreds_of_clients_thousands_of_bookings(seeded):
    counts = [model.objects.count() for model in (Trainer, Client, Booking)]
    assert counts[:2] == [12, 360]
    assert 2000 < counts[2] < 10_000


def test_no_two_bookings_of_a_trainer_overlap(seeded):
    for trainer in Trainer.objects.all():
        diary = trainer.bookings.order_by("starts_at")
        assert all(
            before.ends_at <= after.starts_at
            for before, after in itertools.pairwise(diary)
        )


def test_bookings_lie_in_working_hours_on_both_sides_of_a_clock_change(seeded):
    hours = {
        (item.trainer_id, item.weekday): (item.opens, item.closes)
        for trainer in Trainer.objects.all()
        for item in trainer.availabilities.all()
    }
    london = zoneinfo.ZoneInfo("Europe/London")
    for booking in Booking.objects.all():
        start, end = (
            at.astimezone(london) for at in (booking.starts_at, booking.ends_at)
        )
        opens, closes = hours[booking.trainer_id, start.weekday()]
        assert opens <= start.time() < end.time() <= closes


def test_nobody_is_booked_on_a_day_off(seeded):
    days_off = {
        (day.trainer_id, day.date)
        for trainer in Trainer.objects.all()
        for day in trainer.availability_exceptions.all()
    }
    booked = set(Booking.objects.values_list("trainer_id", "starts_at__date"))
    assert not days_off & booked


def test_each_status_is_possible_now(seeded):
    over = Q(ends_at__lte=NOW)
    is_history = Q(status__in=["completed", "no_show"])
    assert not Booking.objects.filter(
        over, status__in=["pending", "confirmed"]
    ).exists()
    assert not Booking.objects.filter(~over & is_history).exists()


def test_every_status_occurs(seeded):
    assert set(Booking.objects.values_list("status", flat=True)) == set(
        Booking.Status.values
    )


def test_nothing_was_created_cancelled_or_paid_in_the_future(seeded):
    assert not Booking.objects.filter(created_at__gt=NOW).exists()
    assert not Booking.objects.filter(cancelled_at__gt=NOW).exists()
    assert not Payment.objects.filter(paid_at__gt=NOW).exists()


def test_a_cancellation_lies_between_booking_and_session(seeded):
    cancelled = Booking.objects.filter(status="cancelled")
    assert cancelled.exists()
    assert not cancelled.exclude(
        cancelled_at__gte=F("created_at"), cancelled_at__lte=F("starts_at")
    ).exists()


def test_a_package_s_balance_is_what_bookings_left_of_it(seeded):
    packages = Package.objects.annotate(used=Count("bookings"))
    assert all(
        item.sessions_left == item.sessions_total - item.used for item in packages
    )
    assert any(item.used for item in packages)


def test_people_cannot_be_reached_by_mistake(seeded):
    people = itertools.chain(
        User.objects.values_list("email", "phone"),
        Client.objects.values_list("email", "phone"),
    )
    for email, phone in people:
        assert email.endswith("@example.com")
        assert not phone or phone.startswith("+447700900")


def test_a_seed_gives_the_same_data_again(seeded):
    def drawn() -> list[tuple[object, ...]]:
        fields = ("trainer__business_name", "client__email", "starts_at", "status")
        return sorted(Booking.objects.values_list(*fields))

    first = drawn()
    Booking.objects.all().delete()
    Service.objects.all().delete()
    User.objects.all().delete()
    Trainer.objects.all().delete()
    seeding.seed(logins.make(), NOW)
    assert drawn() == first


def test_seeding_twice_changes_nothing(seeded):
    assert seeding.seed(logins.make(), NOW) is False
    assert Trainer.objects.count() == 12


@pytest.mark.parametrize("kind", ["trainer", "client", "staff"])
def test_each_kind_of_person_can_log_in(kind):
    people = logins.make()
    seeding.seed(people, NOW)
    user = User.objects.get(email=people[kind].email)
    assert user.check_password(people[kind].password)


def test_the_passwords_are_kept_for_their_owner_alone(home):
    call_command("seed_demo", stdout=None)
    assert set(logins.load()) == {"trainer", "client", "staff"}
    assert stat.S_IMODE(logins.path().stat().st_mode) == 0o600


def test_a_second_run_keeps_the_passwords(home, capsys):
    call_command("seed_demo")
    first = logins.load()
    call_command("seed_demo")
    assert logins.load() == first
    assert "there already" in capsys.readouterr().out


def test_lost_passwords_are_made_anew(home):
    call_command("seed_demo")
    logins.path().unlink()
    call_command("seed_demo", new_passwords=True)
    login = logins.load()["trainer"]
    assert User.objects.get(email=login.email).check_password(login.password)


def test_production_gets_no_demo_people(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="never created"):
        call_command("seed_demo")
    assert not User.objects.exists()
