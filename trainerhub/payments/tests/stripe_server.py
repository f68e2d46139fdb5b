"""A server in the form of Stripe's API: intents, refunds, idempotency and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from trainerhub.notifications.tests.servers import ApiServer, Received, serving
from trainerhub.trainers.models import Trainer


def refusal(kind: str, code: str | None = None) -> dict[str, Any]:
    """The body of Stripe's errors."""
    words = "Charge for bob@example.org failed"
    return {"error": {"type": kind, "code": code, "message": words}}


class Stripe:
    """Keeps intents and refunds; the same idempotency key gets the same answer."""

    def __init__(self) -> None:
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: list[str] = []
        self.answers: dict[str, tuple[int, Any]] = {}

    def __call__(self, request: Received) -> tuple[int, Any]:
        key = request.headers.get("Idempotency-Key", "")
        if key not in self.answers:
            answer = self.answer(request)
            if not key:
                return answer
            self.answers[key] = answer
        return self.answers[key]

    def answer(self, request: Received) -> tuple[int, Any]:
        if request.path == "/v1/payment_intents":
            return 200, self.create(request.form)
        if request.path.startswith("/v1/payment_intents/"):
            return self.reprice(request.path.rpartition("/")[2], request.form)
        if request.path == "/v1/refunds":
            return self.refund(request.form["payment_intent"])
        return 404, refusal("invalid_request_error", "resource_missing")

    def create(self, form: dict[str, str]) -> dict[str, Any]:
        number = f"pi_{len(self.intents) + 1}"
        self.intents[number] = {
            "id": number,
            "object": "payment_intent",
            "amount": int(form["amount"]),
            "currency": form["currency"],
            "client_secret": f"{number}_secret",
            "status": "requires_payment_method",
            "metadata": {"payment_id": form["metadata[payment_id]"]},
        }
        return self.intents[number]

    def reprice(self, number: str, form: dict[str, str]) -> tuple[int, Any]:
        intent = self.intents[number]
        if intent["status"] == "succeeded":
            code = "payment_intent_unexpected_state"
            return 400, refusal("invalid_request_error", code)
        intent["amount"] = int(form["amount"])
        return 200, intent

    def refund(self, number: str) -> tuple[int, Any]:
        if number in self.refunds:
            return 400, refusal("invalid_request_error", "charge_already_refunded")
        self.refunds.append(number)
        return 200, {"id": "re_1", "object": "refund", "status": "succeeded"}


@pytest.fixture
def stripe_server(settings: Any, alice: Trainer) -> Iterator[ApiServer]:
    """Stripe as Alice's payment method, answered for by a local server."""
    alice.payment_method = Trainer.PaymentMethod.STRIPE
    alice.save()
    settings.STRIPE_API_KEY = "sk_test_made_up"
    settings.STRIPE_WEBHOOK_SECRET = "whsec_made_up"
    with serving(Stripe()) as server:
        settings.STRIPE_API_BASE = server.url
        yield server
