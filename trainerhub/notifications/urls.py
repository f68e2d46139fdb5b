"""The addresses of notifications."""

from __future__ import annotations

from django.urls import path

from trainerhub.notifications.api.views import NotificationListView

urlpatterns = [
    path("notifications/", NotificationListView.as_view(), name="notification-list"),
]
