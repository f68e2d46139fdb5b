"""What people and scanners do, one function each; every request goes to `Visit.send`."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from trainerhub.demo.simulation.browser import Browser
from trainerhub.demo.simulation.people import People, Person

Answer = httpx.Response | None
CREATED = frozenset({201})
# Somebody else may have been quicker; with checkout, the trainer may take no cards.
TAKEN_OR_CREATED = frozenset({201, 409})
MOVED_ON = frozenset({200, 409})
WRONG_PASSWORD = frozenset({401, 429})
LOGGED_IN = frozenset({200, 429})
REGISTERED = frozenset({201, 429})
CHECKED_OUT = frozenset({200, 201, 409})
CLIENTS_LIMIT = 500
NOT_FOUND = frozenset({404})
SCANNED = [
    *("/wp-login.php", "/.env", "/.git/config", "/phpmyadmin/index.php"),
    *("/wp-admin/setup-config.php", "/vendor/phpunit/phpunit/src/Util/PHP/eval.php"),
    *("/actuator/env", "/cgi-bin/luci", "/boaform/admin/formLogin", "/xmlrpc.php"),
]


@dataclass(slots=True)
class Visit:
    """One action that is under way."""

    name: str
    browser: Browser
    people: People
    chance: random.Random

    async def send(
        self, method: str, path: str, person: Person | None = None, **options: Any
    ) -> Any:
        """Send a request; give the decoded answer, None when it was not a good one."""
        token = person.token if person else ""
        response = await self.browser.send(
            self.name, method, path, token=token, **options
        )
        return decoded(response)

    def client(self) -> Person:
        return self.chance.choice(self.people.clients)

    def trainer(self) -> Person:
        return self.chance.choice(self.people.trainers)

    def one_of(self, answer: Any) -> Any:
        """Draw one of a list's results; None of none."""
        results = answer.get("results") if isinstance(answer, dict) else answer
        return self.chance.choice(results) if results else None


def decoded(response: httpx.Response | None) -> Any:
    if response is None or not response.content:
        return None
    return response.json()


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


async def browse(visit: Visit) -> None:
    """Look through the trainers, one of them and what she offers."""
    client = visit.client()
    trainers = await visit.send("GET", "/api/trainers/", client)
    trainer = visit.one_of(trainers)
    if trainer:
        await visit.send("GET", f"/api/trainers/{trainer['id']}/", client)
        await visit.send("GET", f"/api/trainers/{trainer['id']}/services/", client)


async def free_slot(visit: Visit, client: Person) -> dict[str, Any] | None:
    """Find a service and a free slot of the client's trainer, as a booking's body."""
    trainer = f"/api/trainers/{client.trainer_id}"
    service = visit.one_of(await visit.send("GET", f"{trainer}/services/", client))
    if service is None:
        return None
    start = today() + dt.timedelta(days=visit.chance.randint(1, 20))
    slots = await visit.send(
        "GET",
        f"{trainer}/slots/",
        client,
        params={
            "service": service["id"],
            "from": start.isoformat(),
            "to": (start + dt.timedelta(days=6)).isoformat(),
        },
    )
    slot = visit.one_of(slots)
    return slot and {"service": service["id"], "starts_at": slot["starts_at"]}


async def book(visit: Visit) -> None:
    """Book a free slot, unless somebody was quicker."""
    client = visit.client()
    wanted = await free_slot(visit, client)
    if wanted:
        await visit.send(
            "POST", "/api/bookings/", client, json=wanted, expected=TAKEN_OR_CREATED
        )


async def race_for_slot(visit: Visit) -> None:
    """Two clients want one slot at the same moment; at most one may get it."""
    first = visit.client()
    second = visit.client()
    wanted = await free_slot(visit, first)
    if not wanted:
        return
    # Without faults: one that fails an answer would hide who got the slot.
    answers = await both(
        visit.browser.send(
            visit.name,
            "POST",
            "/api/bookings/",
            token=person.token,
            json=wanted,
            expected=TAKEN_OR_CREATED,
            may_fail=False,
        )
        for person in (first, second)
    )
    if [answer and answer.status_code for answer in answers] == [201, 201]:
        visit.browser.ledger.break_promise(
            f"service {wanted['service']} at {wanted['starts_at']} was booked twice"
        )


async def both(sending: Iterable[Awaitable[Answer]]) -> list[Answer]:
    """Wait for all, also when one finds that it is over: each answer is entered."""
    answers: list[Answer] = []
    for result in await asyncio.gather(*sending, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        answers.append(result)
    return answers


async def look_at_bookings(visit: Visit) -> None:
    """A trainer reads her week, or a client his sessions."""
    if visit.chance.random() < 0.6:
        start = today()
        dates = {
            "from": start.isoformat(),
            "to": (start + dt.timedelta(days=7)).isoformat(),
        }
        person, params = visit.trainer(), dates
    else:
        person, params = visit.client(), {}
    booking = visit.one_of(
        await visit.send("GET", "/api/bookings/", person, params=params)
    )
    if booking:
        await visit.send("GET", f"/api/bookings/{booking['id']}/", person)


async def look_at_clients(visit: Visit) -> None:
    """A trainer reads about a client, and sometimes notes something."""
    trainer = visit.trainer()
    client = visit.one_of(await visit.send("GET", "/api/clients/", trainer))
    if client is None:
        return
    await visit.send("GET", f"/api/clients/{client['id']}/", trainer)
    if visit.chance.random() < 0.3:
        await visit.send(
            "POST",
            f"/api/clients/{client['id']}/notes/",
            trainer,
            json={"body": "Good session today."},
            expected=CREATED,
        )


async def booking_with(visit: Visit, person: Person, **params: str) -> Any:
    return visit.one_of(
        await visit.send("GET", "/api/bookings/", person, params=params)
    )


async def confirm_or_complete(visit: Visit) -> None:
    """A trainer answers a request, or notes that a session was held."""
    trainer = visit.trainer()
    if visit.chance.random() < 0.7:
        booking = await booking_with(visit, trainer, status="pending")
        step = "confirm"
    else:
        yesterday = (today() - dt.timedelta(days=1)).isoformat()
        booking = await booking_with(visit, trainer, status="confirmed", to=yesterday)
        step = "complete"
    if booking:
        await visit.send(
            "POST", f"/api/bookings/{booking['id']}/{step}/", trainer, expected=MOVED_ON
        )


async def cancel(visit: Visit) -> None:
    """A client cancels what is still to come."""
    client = visit.client()
    tomorrow = (today() + dt.timedelta(days=1)).isoformat()
    booking = await booking_with(
        visit, client, status="confirmed", **{"from": tomorrow}
    )
    if booking:
        path = f"/api/bookings/{booking['id']}/cancel/"
        await visit.send("POST", path, client, expected=MOVED_ON)


async def pay(visit: Visit) -> None:
    """A trainer takes money by hand, or a client starts a checkout."""
    if visit.chance.random() < 0.3:
        client = visit.client()
        booking = await booking_with(visit, client, status="confirmed")
        if booking:
            await visit.send(
                "POST",
                "/api/payments/checkout/",
                client,
                json={"booking": booking["id"]},
                expected=CHECKED_OUT,
            )
        return
    trainer = visit.trainer()
    booking = await booking_with(visit, trainer, status="confirmed")
    if booking:
        paid = {"booking": booking["id"], "amount_minor": 4500, "method": "card"}
        await visit.send(
            "POST", "/api/payments/", trainer, json=paid, expected=TAKEN_OR_CREATED
        )


async def log_in(visit: Visit) -> None:
    """Log in with the right password, and out again."""
    login = visit.people.logins["client"]
    answer = await visit.send(
        "POST",
        "/api/users/login/",
        json={"email": login.email, "password": login.password},
        expected=LOGGED_IN,
    )
    if answer and "token" in answer:
        person = Person(answer["token"], 0)
        await visit.send("GET", "/api/users/me/", person)
        await visit.send(
            "POST", "/api/users/logout/", person, expected=frozenset({204})
        )


async def mistype_password(visit: Visit) -> None:
    """Log in with a password that is wrong."""
    email = visit.people.logins["trainer"].email
    await visit.send(
        "POST",
        "/api/users/login/",
        json={"email": email, "password": secrets.token_urlsafe(9)},
        expected=WRONG_PASSWORD,
    )


async def register(visit: Visit) -> None:
    """A new client signs up and looks at herself; she books from then on."""
    answer = await visit.send(
        "POST",
        "/api/users/register/",
        json={
            "email": f"visitor-{secrets.token_hex(6)}@example.com",
            "password": secrets.token_urlsafe(12),
            "full_name": "Vera Visitor",
        },
        expected=REGISTERED,
    )
    if answer and "token" in answer:
        person = Person(answer["token"], visit.trainer().trainer_id)
        if len(visit.people.clients) < CLIENTS_LIMIT:
            visit.people.clients.append(person)
        await visit.send("GET", "/api/users/me/", person)


async def read_report(visit: Visit) -> None:
    """A trainer reads half a year's figures: the heaviest request of all."""
    dates = {
        "from": (today() - dt.timedelta(days=90)).isoformat(),
        "to": (today() + dt.timedelta(days=60)).isoformat(),
    }
    path = "/api/bookings/summary/"
    await visit.send("GET", path, visit.trainer(), params=dates)


async def scan(visit: Visit) -> None:
    """A scanner looks for software that is not here."""
    for path in visit.chance.sample(SCANNED, 3):
        # Not decoded: what is not the API's may be a page.
        await visit.browser.send(
            visit.name, "GET", path, expected=NOT_FOUND, may_fail=False
        )


ACTIONS: dict[str, Callable[[Visit], Awaitable[None]]] = {
    "browse": browse,
    "look at bookings": look_at_bookings,
    "book": book,
    "look at clients": look_at_clients,
    "confirm or complete": confirm_or_complete,
    "pay": pay,
    "cancel": cancel,
    "race for a slot": race_for_slot,
    "log in": log_in,
    "mistype the password": mistype_password,
    "register": register,
    "read the report": read_report,
    "scan for weaknesses": scan,
}
