"""Payments, for staff: what came in, through whom, and what was refused."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from trainerhub.payments.models import Payment, WebhookEvent


@admin.register(Payment)
class PaymentAdmin(admin.ModelAdmin[Payment]):
    """Money is recorded and refunded through the API, which keeps the sums right."""

    list_display = ["id", "trainer", "client", "amount_minor", "currency", "status"]
    list_filter = ["status", "method", "currency"]
    list_select_related = ["trainer", "client"]
    search_fields = ["=provider_reference", "trainer__business_name"]
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Payment | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Payment | None = None
    ) -> bool:
        return False


@admin.register(WebhookEvent)
class WebhookEventAdmin(admin.ModelAdmin[WebhookEvent]):
    """Which events of a provider were taken."""

    list_display = ["event_id", "kind", "provider", "received_at"]
    list_filter = ["kind"]
    search_fields = ["=event_id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: WebhookEvent | None = None
    ) -> bool:
        return False
