"""Notifications, for staff: what went out, what did not, and why."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from trainerhub.notifications.models import Notification


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin[Notification]):
    """A record of what happened: nothing to add or change."""

    list_display = [
        "id",
        "trainer",
        "channel",
        "status",
        "attempts",
        "error",
        "sent_at",
    ]
    list_filter = ["channel", "status"]
    list_select_related = ["trainer"]
    search_fields = ["=key", "trainer__business_name"]
    date_hierarchy = "created_at"
    # The words stay between the trainer and her client.
    exclude = ["subject", "body"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Notification | None = None
    ) -> bool:
        return False
