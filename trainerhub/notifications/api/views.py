"""The address of notifications."""

from __future__ import annotations

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from rest_framework import generics

from trainerhub.api.authentication import current_user
from trainerhub.api.filters import KeyFilter
from trainerhub.notifications.api.serializers import NotificationSerializer
from trainerhub.notifications.models import Notification
from trainerhub.trainers.selectors import own_trainer


class NotificationFilter(filters.FilterSet):  # type: ignore[misc]
    """By channel, by what became of it and by client."""

    client = KeyFilter(field_name="client_id")

    class Meta:
        model = Notification
        fields = ["channel", "status", "client"]


class NotificationListView(generics.ListAPIView[Notification]):
    """The messages that went out in one's name, or did not."""

    queryset = Notification.objects.none()
    serializer_class = NotificationSerializer
    filterset_class = NotificationFilter
    ordering_fields = ["created_at", "sent_at", "id"]

    def get_queryset(self) -> QuerySet[Notification]:
        if getattr(self, "swagger_fake_view", False):
            return Notification.objects.none()
        return Notification.objects.filter(
            trainer=own_trainer(user=current_user(self.request))
        )
