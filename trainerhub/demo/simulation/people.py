"""Who takes part: trainers and clients of the demo data, with tokens of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from knox.models import get_token_model

from trainerhub.accounts.models import User
from trainerhub.demo.logins import Login
from trainerhub.trainers.models import Trainer

TRAINERS_LIMIT = 12
DEMO_CLIENTS_LIMIT = 60


class NobodyError(Exception):
    """There is nobody to take part."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token; a client also has the trainer she trains with."""

    token: str
    trainer_id: int


@dataclass(slots=True)
class People:
    """All who take part; who registers joins the clients."""

    trainers: list[Person]
    clients: list[Person]
    logins: dict[str, Login]
    digests: list[str] = field(default_factory=list)


def give_token(user: User, digests: list[str]) -> str:
    """Give a token, as if the person had logged in some time ago."""
    stored, token = get_token_model().objects.create(user=user)
    digests.append(stored.digest)
    return str(token)


@contextlib.contextmanager
def gathered(logins: dict[str, Login]) -> Iterator[People]:
    """
    Give the demo's people tokens, and take these back at the end.

    Tokens come from the database rather than from log-ins, since most people of a
    real week have logged in long before, and since log-ins are throttled.
    """
    trainers = Trainer.objects.filter(is_listed=True).select_related("user")
    digests: list[str] = []
    people = People([], [], logins, digests)
    try:
        for trainer in trainers[:TRAINERS_LIMIT]:
            token = give_token(trainer.user, digests)
            people.trainers.append(Person(token, trainer.pk))
        clients = User.objects.filter(client_records__isnull=False, is_active=True)
        for user in clients.order_by("pk").distinct()[:DEMO_CLIENTS_LIMIT]:
            trainer_id = user.client_records.values_list("trainer", flat=True)[0]
            people.clients.append(Person(give_token(user, digests), trainer_id))
        if not people.trainers or len(people.clients) < 2:
            raise NobodyError
        yield people
    finally:
        get_token_model().objects.filter(digest__in=digests).delete()
