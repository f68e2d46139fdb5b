"""However many book at once, on real servers and real processes, one wins."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections import Counter

import pytest

pytestmark = pytest.mark.long

RACERS = 6
PYTHON = sys.executable
SETUP = """
import django; django.setup()
import datetime as dt
from django.core.management import call_command
call_command("migrate", verbosity=0)
from trainerhub.accounts.models import User
from trainerhub.clients.models import Client, Package
from trainerhub.trainers.models import Availability, Service, Trainer
user = User.objects.create_user("alice@example.org", None, full_name="Alice")
alice = Trainer.objects.create(user=user, business_name="Alice", time_zone="UTC")
for weekday in range(7):
    Availability.objects.create(
        trainer=alice, weekday=weekday, opens=dt.time(1), closes=dt.time(23))
Service.objects.create(
    trainer=alice, name="Hour", duration_minutes=60, price_minor=4500)
client = Client.objects.create(trainer=alice, full_name="Bob")
Package.objects.create(
    client=client, name="One", sessions_total=1, sessions_left=1, price_minor=1,
    currency="GBP")
User.objects.create_user("dora@example.org", None, full_name="Dora")
"""
# Reads how to book from stdin once all are up, so that they start together.
RACER = """
import django; django.setup()
import datetime as dt, json, sys
from django.utils import timezone
from trainerhub.accounts.models import User
from trainerhub.bookings import services
from trainerhub.clients.models import Client, Package
from trainerhub.lib.refusals import Refused
from trainerhub.trainers.models import Service
service = Service.objects.select_related("trainer").get()
client = Client.objects.get(user=None)
print("ready", flush=True)
wanted = json.loads(sys.stdin.readline())
starts_at = (timezone.now() + dt.timedelta(days=3)).replace(
    hour=10, minute=0, second=0, microsecond=0)
starts_at += dt.timedelta(minutes=wanted["minutes"])
try:
    if wanted["as_user"]:
        services.book_for_oneself(
            user=User.objects.get(email="dora@example.org"), service=service,
            starts_at=starts_at)
    else:
        services.book_for_client(
            trainer=service.trainer, client=client, service=service,
            starts_at=starts_at,
            package=Package.objects.get() if wanted["package"] else None)
    print("booked")
except Refused as refused:
    print(refused.code)
"""
COUNT = """
import django; django.setup()
import json
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client, Package
print(json.dumps([Booking.objects.count(), Client.objects.count(),
                  Package.objects.get().sessions_left]))
"""


@pytest.fixture(params=["postgresql", "sqlite"])
def database_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'race.db'}"
    server = request.getfixturevalue("postgres")
    return server.create_database(f"race_{os.urandom(6).hex()}")


@pytest.fixture
def env(database_url, tmp_path):
    settings = {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "trainerhub.settings",
        "TRAINERHUB_HOME": str(tmp_path),
    }
    env = {**os.environ, **settings}
    run(SETUP, env)
    return env


def run(program: str, env: dict[str, str]) -> str:
    done = subprocess.run(
        [PYTHON, "-c", program], env=env, capture_output=True, text=True, cwd=root()
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def root() -> pathlib.Path:
    return pathlib.Path(__file__).resolve().parents[3]


def race(env: dict[str, str], wishes: list[dict[str, object]]) -> Counter[str]:
    """Let one process a wish book at the same moment; count what they were told."""
    pipe = subprocess.PIPE
    racers = [
        subprocess.Popen(
            [PYTHON, "-c", RACER],
            env=env,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
            cwd=root(),
        )
        for _ in wishes
    ]
    for racer in racers:
        assert racer.stdout is not None
        while racer.stdout.readline() not in ("ready\n", ""):
            continue
    for racer, wish in zip(racers, wishes, strict=True):
        assert racer.stdin is not None
        racer.stdin.write(json.dumps(wish) + "\n")
        racer.stdin.flush()
    outputs = [racer.communicate(timeout=90) for racer in racers]
    told = [out.strip().rpartition("\n")[2] or err[-800:] for out, err in outputs]
    return Counter(told)


def wish(
    minutes: int = 0, *, package: bool = False, as_user: bool = False
) -> dict[str, object]:
    return {"minutes": minutes, "package": package, "as_user": as_user}


def test_of_many_bookings_of_one_slot_one_wins(env):
    told = race(env, [wish()] * RACERS)
    assert told == {"booked": 1, "slot_taken": RACERS - 1}


def test_of_many_overlapping_bookings_one_wins(env):
    told = race(env, [wish(minutes) for minutes in range(0, 5 * RACERS, 5)])
    assert told == {"booked": 1, "slot_taken": RACERS - 1}


def test_sessions_that_only_touch_are_all_booked(env):
    assert race(env, [wish(60 * hour) for hour in range(6)]) == {"booked": 6}


def test_the_last_session_of_a_package_is_used_once(env):
    told = race(env, [wish(60 * hour, package=True) for hour in range(4)])
    assert told == {"booked": 1, "invalid": 3}
    assert json.loads(run(COUNT, env).splitlines()[-1])[2] == 0


def test_a_user_who_books_twice_at_once_becomes_one_client(env):
    assert race(env, [wish(60 * hour, as_user=True) for hour in range(4)]) == {
        "booked": 4
    }
    # Dora, and Bob who was there before.
    assert json.loads(run(COUNT, env).splitlines()[-1])[:2] == [4, 2]
