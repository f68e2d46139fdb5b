"""Change a trainer's clients, her notes and what was paid ahead."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TypedDict, Unpack

from django.db import IntegrityError, transaction

from trainerhub.accounts.models import User
from trainerhub.clients.models import Client, Note, Package
from trainerhub.lib.refusals import Conflict, Invalid
from trainerhub.trainers.models import Trainer
from trainerhub.workflows import services as workflows
from trainerhub.workflows.models import Workflow

logger = logging.getLogger(__name__)


class ClientFields(TypedDict, total=False):
    """What a trainer writes down of a client."""

    full_name: str
    email: str
    phone: str
    is_active: bool


class PackageFields(TypedDict, total=False):
    """What was bought."""

    name: str
    sessions_total: int
    price_minor: int
    expires_on: dt.date | None


@transaction.atomic
def create_client(
    *, trainer: Trainer, user: User | None = None, **fields: Unpack[ClientFields]
) -> Client:
    """
    Add a client, and start the workflows for it.

    Raises:
        Invalid: another client of the trainer's has the address.
    """
    client = _save(Client(trainer=trainer, user=user), fields)
    logger.info(
        "Client created", extra={"trainer_id": trainer.pk, "client_id": client.pk}
    )
    workflows.trigger(
        trainer=trainer,
        event=Workflow.Trigger.CLIENT_CREATED,
        subject=f"client:{client.pk}",
        context={
            "client_id": client.pk,
            "client_name": client.full_name,
            "trainer_name": trainer.business_name,
        },
    )
    return client


def client_of(*, user: User, trainer: Trainer) -> Client:
    """
    The user's record with the trainer; made when there is none.

    Call it with the trainer locked, so that two bookings make one record.
    """
    client = Client.objects.filter(trainer=trainer, user=user).first()
    if client is not None:
        return client
    # A record that the trainer made with this address is not taken over: nobody has
    # shown yet that the address is the user's. The new one goes without.
    known = Client.objects.filter(trainer=trainer, email__iexact=user.email).exists()
    return create_client(
        trainer=trainer,
        user=user,
        full_name=user.full_name,
        email="" if known else user.email,
        phone=user.phone,
    )


def update_client(*, client: Client, **changes: Unpack[ClientFields]) -> Client:
    """
    Change what is written of a client.

    Raises:
        Invalid: another client of the trainer's has the address.
    """
    return _save(client, changes)


def delete_client(*, client: Client) -> None:
    """
    Remove a client without a history.

    Raises:
        Conflict: `in_use`: bookings and payments are kept.
    """
    if client.bookings.exists() or client.payments.exists():
        raise Conflict(
            "This client has bookings or payments; set is_active to false instead.",
            code="in_use",
        )
    ids = {"trainer_id": client.trainer_id, "client_id": client.pk}
    client.delete()
    logger.info("Client deleted", extra=ids)


def add_note(*, client: Client, body: str) -> Note:
    """Write something down of a client."""
    return Note.objects.create(client=client, body=body)


def sell_package(*, client: Client, **fields: Unpack[PackageFields]) -> Package:
    """Give the client sessions paid ahead, in the trainer's currency."""
    package = Package.objects.create(
        client=client,
        sessions_left=fields["sessions_total"],
        currency=client.trainer.currency,
        **fields,
    )
    logger.info(
        "Package sold",
        extra={
            "trainer_id": client.trainer_id,
            "client_id": client.pk,
            "package_id": package.pk,
        },
    )
    return package


def _save(client: Client, fields: ClientFields) -> Client:
    for name, value in fields.items():
        setattr(client, name, value)
    try:
        with transaction.atomic():
            client.save()
    except IntegrityError:
        raise Invalid(
            "Another client of yours has this address.", field="email"
        ) from None
    return client
