"""Notifications, and how much the library that sends them may log."""

from __future__ import annotations

import logging

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "trainerhub.notifications"

    def ready(self) -> None:
        # It logs the account's id and headers of each request at INFO.
        logging.getLogger("twilio").setLevel(logging.WARNING)
