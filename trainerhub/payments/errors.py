"""Why a payment was not taken; REST framework's handler turns each into an answer."""

from __future__ import annotations

from rest_framework.exceptions import APIException

from trainerhub.lib.money import in_words


class PaymentRefused(APIException):
    """Nothing was paid and nothing changed."""

    status_code = 409
    default_code = "payment_refused"
    default_detail = "The payment was not taken."


class PaymentMethodMissing(PaymentRefused):
    """The trainer takes no payments through TrainerHub."""

    default_code = "payment_method_missing"
    default_detail = (
        "The trainer has not set up online payments; ask her how she is paid."
    )


class PaymentMethodManual(PaymentRefused):
    """The trainer is paid by hand."""

    default_code = "payment_method_manual"
    default_detail = (
        "The trainer takes cash, card or bank transfer; there is no online checkout."
    )


class NothingDue(PaymentRefused):
    """All of it is paid, or it cost nothing."""

    default_code = "nothing_due"
    default_detail = "Nothing is due; there is nothing to pay."


class ExceedsDue(PaymentRefused):
    """More was offered than is due."""

    default_code = "exceeds_due"

    def __init__(self, due_minor: int, currency: str) -> None:
        super().__init__(
            f"Only {in_words(due_minor, currency)} is due; give at most {due_minor}."
        )


class WrongStatus(PaymentRefused):
    """Only what was paid can be refunded."""

    default_code = "wrong_status"

    def __init__(self, status: str) -> None:
        super().__init__(f"The payment is {status}; only a paid one can be refunded.")


class PaymentInProgress(PaymentRefused):
    """The money is on its way."""

    default_code = "payment_in_progress"
    default_detail = "A payment for this is being processed; look again in a minute."


class CardDeclined(PaymentRefused):
    """The card's bank said no."""

    status_code = 402
    default_code = "card_declined"
    default_detail = "The card was declined; use another card."


class ProviderFailed(PaymentRefused):
    """Stripe did not do what was asked; its own words are in the log only."""

    status_code = 502
    default_code = "payment_provider_failed"
    default_detail = "The payment provider has a problem; try again later."


class ProviderBusy(ProviderFailed):
    """Too many requests at once."""

    default_code = "payment_provider_busy"
    default_detail = "The payment provider is busy; try again in a moment."


class ProviderUnreachable(ProviderFailed):
    """It is not known whether the request arrived."""

    default_code = "payment_provider_unreachable"
    default_detail = "The payment provider cannot be reached; try again later."


class ProviderTimeout(ProviderUnreachable):
    """No answer came in time."""

    status_code = 504
    default_code = "payment_provider_timeout"
    default_detail = "The payment provider did not answer in time; try again."


class InvalidSignature(PaymentRefused):
    """The event does not come from Stripe, or came too late."""

    status_code = 400
    default_code = "invalid_signature"
    default_detail = "The signature is missing, wrong or too old."
