"""Bookings, for staff."""

from __future__ import annotations

from django.contrib import admin

from trainerhub.bookings.models import Booking


@admin.register(Booking)
class BookingAdmin(admin.ModelAdmin[Booking]):
    """Sessions; their time is changed by booking anew, which the lock guards."""

    list_display = ["id", "trainer", "client", "service", "starts_at", "status"]
    list_filter = ["status"]
    list_select_related = ["trainer", "client", "service"]
    search_fields = ["trainer__business_name", "client__full_name"]
    autocomplete_fields = ["client", "package"]
    readonly_fields = [
        "trainer",
        "service",
        "starts_at",
        "ends_at",
        "cancelled_at",
        "cancelled_by",
        "created_at",
    ]
    date_hierarchy = "starts_at"

    def has_add_permission(self, request: object) -> bool:
        return False
