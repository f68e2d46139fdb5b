"""The addresses of payments."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from trainerhub.payments.api.views import PaymentViewSet, StripeWebhookView

router = SimpleRouter(use_regex_path=False)
router.register("payments", PaymentViewSet, basename="payment")

urlpatterns = [
    path(
        "payments/webhooks/stripe/", StripeWebhookView.as_view(), name="stripe-webhook"
    ),
    *router.urls,
]
