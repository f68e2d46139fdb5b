"""However many come at once, on real servers and real processes, it counts once."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections import Counter

import pytest

pytestmark = pytest.mark.long

RACERS = 4
ROOT = pathlib.Path(__file__).resolve().parents[3]
SETUP = """
import django; django.setup()
import datetime as dt
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.utils import timezone
from trainerhub.accounts.models import User
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client
from trainerhub.payments.models import Payment
from trainerhub.trainers.models import Service, Trainer
from trainerhub.workflows.models import Execution, Step, Workflow
user = User.objects.create_user("alice@example.org", None, full_name="Alice")
alice = Trainer.objects.create(user=user, business_name="Alice")
service = Service.objects.create(
    trainer=alice, name="Hour", duration_minutes=60, price_minor=4500)
bob = Client.objects.create(trainer=alice, full_name="Bob")
now = timezone.now()
bookings = [
    Booking.objects.create(
        trainer=alice, client=bob, service=service, currency="GBP", price_minor=4500,
        status="confirmed",
        starts_at=now + dt.timedelta(hours=hour),
        ends_at=now + dt.timedelta(hours=hour + 1))
    for hour in (1, 3)
]
Payment.objects.create(
    trainer=alice, client=bob, booking=bookings[1], amount_minor=4500, currency="GBP",
    method="stripe", provider_reference="pi_1")
for trigger in ("payment.received", "booking.reminder"):
    workflow = Workflow.objects.create(trainer=alice, name=trigger, trigger=trigger)
    Step.objects.create(workflow=workflow, position=1, action="add_note", body="x")
Execution.objects.create(
    workflow=workflow, key="k", event={"client_id": bob.pk}, next_position=1)
"""
# Each waits for a line on stdin once it is up, so that they start together.
RACER = """
import django; django.setup()
import sys
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Note
from trainerhub.payments import services, webhooks
from trainerhub.payments.errors import PaymentRefused
from trainerhub.workflows import execution, reminders
from trainerhub.workflows.models import Execution

def webhook():
    thing = {"id": "pi_1", "amount_received": 4500}
    event = webhooks.Event(
        event_id="evt_1", kind="payment_intent.succeeded", thing=thing)
    return "once" if webhooks.take(event) else "again"

def record():
    booking = Booking.objects.select_related("client__trainer").order_by("pk")[0]
    try:
        services.record(
            client=booking.client, booking=booking, amount_minor=4500, method="cash")
    except PaymentRefused as refused:
        return refused.get_codes()
    return "once"

def step():
    execution.run(Execution.objects.get(key="k").pk, 1)
    return str(Note.objects.count())

def remind():
    reminders.send_due()
    return str(Execution.objects.filter(key__startswith="booking.reminder:").count())

wanted = {"webhook": webhook, "record": record, "step": step, "remind": remind}
do = wanted[sys.argv[1]]
print("ready", flush=True)
sys.stdin.readline()
print(do())
"""
COUNT = """
import django; django.setup()
import json
from trainerhub.clients.models import Note
from trainerhub.payments.models import Payment
from trainerhub.workflows.models import Execution, StepRun
from django_tasks_db.models import DBTaskResult
print(json.dumps([
    Payment.objects.filter(status="paid").count(),
    Execution.objects.exclude(key="k").count(),
    Note.objects.count(),
    StepRun.objects.count(),
    DBTaskResult.objects.count(),
]))
"""


@pytest.fixture(params=["postgresql", "sqlite"])
def env(request, tmp_path):
    """A project of its own on the database, with something to race for."""
    url = f"sqlite:///{tmp_path / 'race.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.create_database(f"race_{os.urandom(6).hex()}")
    env = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "trainerhub.settings",
        "TRAINERHUB_HOME": str(tmp_path),
    }
    run(SETUP, env)
    return env


def run(program: str, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=env,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().rpartition("\n")[2]


def race(env: dict[str, str], what: str) -> Counter[str]:
    """Let processes do it at the same moment; count what each of them found."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", RACER, what]
    racers = [
        subprocess.Popen(
            command, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT
        )
        for _ in range(RACERS)
    ]
    for racer in racers:
        assert racer.stdout is not None
        while racer.stdout.readline() not in ("ready\n", ""):
            continue
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    outputs = [racer.communicate(timeout=90) for racer in racers]
    told = [out.strip().rpartition("\n")[2] or err[-800:] for out, err in outputs]
    return Counter(told)


def counts(env: dict[str, str]) -> dict[str, int]:
    names = ("paid", "executions", "notes", "step_runs", "tasks")
    return dict(zip(names, json.loads(run(COUNT, env)), strict=True))


def test_the_same_event_at_the_same_moment_counts_once(env):
    assert race(env, "webhook") == {"once": 1, "again": RACERS - 1}
    found = counts(env)
    assert (found["paid"], found["executions"], found["tasks"]) == (1, 1, 1)


def test_a_booking_that_many_pay_at_once_is_paid_once(env):
    assert race(env, "record") == {"once": 1, "nothing_due": RACERS - 1}
    assert counts(env)["paid"] == 1


def test_a_step_that_is_delivered_to_many_runs_once(env):
    race(env, "step")
    found = counts(env)
    assert (found["notes"], found["step_runs"]) == (1, 1)


def test_many_who_look_for_reminders_start_each_once(env):
    race(env, "remind")
    found = counts(env)
    assert (found["executions"], found["tasks"]) == (2, 2)
