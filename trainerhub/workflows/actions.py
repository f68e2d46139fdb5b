"""What a step does; each only writes rows, so a step is done wholly or not at all."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client, Note
from trainerhub.lib.money import in_words
from trainerhub.notifications.models import Notification
from trainerhub.notifications.services import notify
from trainerhub.payments import methods
from trainerhub.payments.selectors import due_for_booking
from trainerhub.workflows import events, templates
from trainerhub.workflows.models import Execution, Step

Action = Step.Action
NOTE_LENGTH = 5000


class StepFailed(Exception):  # noqa: N818 (an outcome that is recorded)
    """The step cannot be done; the message is for the trainer and names nobody."""


def perform(execution: Execution, step: Step) -> None:
    """
    Do what the step says.

    Raises:
        StepFailed: it cannot be done.
    """
    trainer = execution.workflow.trainer
    clients = Client.objects.filter(trainer=trainer)
    client = clients.filter(pk=execution.event.get("client_id")).first()
    if client is None:
        raise StepFailed("The client no longer exists.")
    client.trainer = trainer
    ACTIONS[Action(step.action)](execution, step, client)


def send_email(execution: Execution, step: Step, client: Client) -> None:
    _email(execution, step, client, _fill(execution, step.body))


def send_sms(execution: Execution, step: Step, client: Client) -> None:
    if not client.phone:
        raise StepFailed("The client has no telephone number.")
    notify(
        trainer=client.trainer,
        client=client,
        channel=Notification.Channel.SMS,
        recipient=client.phone,
        body=_fill(execution, step.body),
        key=_key(execution, step),
    )


def add_note(execution: Execution, step: Step, client: Client) -> None:
    body = _fill(execution, step.body)[:NOTE_LENGTH]
    Note.objects.create(client=client, body=body)


def request_payment(execution: Execution, step: Step, client: Client) -> None:
    """Ask for what is due for the booking; when that is nothing, keep silent."""
    if methods.is_missing(client.trainer):
        raise StepFailed("No payment method is configured.")
    bookings = Booking.objects.select_related("client").filter(client=client)
    booking = bookings.filter(pk=execution.event.get("booking_id")).first()
    if booking is None:
        raise StepFailed("The booking no longer exists.")
    due = due_for_booking(booking)
    if due == 0:
        return
    lines = [
        _fill(execution, step.body),
        f"To pay: {in_words(due, booking.currency)}",
        _page(booking, client),
    ]
    _email(execution, step, client, "\n\n".join(filter(None, lines)))


def _page(booking: Booking, client: Client) -> str:
    """Where the client can pay online, if there is such a place."""
    takes_cards = client.trainer.payment_method == client.trainer.PaymentMethod.STRIPE
    if not takes_cards:
        return ""
    page: str = settings.PAYMENT_PAGE_URL
    return page.replace("{booking_id}", str(booking.pk))


def _email(execution: Execution, step: Step, client: Client, body: str) -> None:
    if not client.email:
        raise StepFailed("The client has no e-mail address.")
    notify(
        trainer=client.trainer,
        client=client,
        channel=Notification.Channel.EMAIL,
        recipient=client.email,
        subject=_fill(execution, step.subject),
        body=body,
        key=_key(execution, step),
    )


def _fill(execution: Execution, text: str) -> str:
    words = events.words(execution.event, execution.workflow.trainer)
    return templates.render(text, words)


def _key(execution: Execution, step: Step) -> str:
    return f"execution:{execution.pk}:{step.position}"


ACTIONS: dict[Step.Action, Callable[[Execution, Step, Client], None]] = {
    Action.SEND_EMAIL: send_email,
    Action.SEND_SMS: send_sms,
    Action.ADD_NOTE: add_note,
    Action.REQUEST_PAYMENT: request_payment,
}
