"""Payments, and how much the library that takes them may log."""

from __future__ import annotations

import logging

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "trainerhub.payments"

    def ready(self) -> None:
        # At DEBUG it logs whole answers, with the secret that pays an intent.
        logging.getLogger("stripe").setLevel(logging.WARNING)
