"""How notifications look in JSON."""

from __future__ import annotations

from rest_framework import serializers

from trainerhub.notifications.models import Notification


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """One message and what became of it."""

    class Meta:
        model = Notification
        fields = [
            "id",
            "client",
            "channel",
            "recipient",
            "subject",
            "body",
            "status",
            "attempts",
            "error",
            "created_at",
            "sent_at",
        ]
        read_only_fields = fields
