"""What happens in the business, told to whoever wants to count it."""

from __future__ import annotations

from django.db import transaction
from django.dispatch import Signal

booking_made = Signal()
booking_cancelled = Signal()
payment_taken = Signal()
payment_failed = Signal()
#: Sent with `channel`, "email" or "sms".
notification_sent = Signal()
notification_failed = Signal()
#: Sent with `status`, as an execution has it at its end.
workflow_ended = Signal()
backup_started = Signal()
#: Sent with `ok`, `seconds`, and `size` in bytes or `output`.
backup_ended = Signal()


def tell(happening: Signal, **facts: str) -> None:
    """Tell that something has happened, once it is committed and whoever listens fails."""

    def send() -> None:
        happening.send_robust(sender=None, **facts)

    transaction.on_commit(send, robust=True)
