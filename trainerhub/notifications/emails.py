"""Send an e-mail through whatever backend Django's settings name."""

from __future__ import annotations

from django.core.mail import EmailMessage

from trainerhub.notifications.failures import EMAIL_ERRORS, of_email
from trainerhub.notifications.models import Notification


def send(notification: Notification) -> None:
    """
    Send it, answers going to the trainer.

    Raises:
        DeliveryError: it did not go out.
    """
    message = EmailMessage(
        subject=notification.subject,
        body=notification.body,
        to=[notification.recipient],
        reply_to=[notification.trainer.user.email],
    )
    try:
        message.send()
    except EMAIL_ERRORS as error:
        # Not chained: the library's words have the address.
        raise of_email(error) from None
