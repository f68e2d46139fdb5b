"""Remind clients of their sessions; run it every minute."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from trainerhub.workflows import reminders


class Command(BaseCommand):
    help = (
        "Start the reminder workflows of all sessions that come up. Each session is "
        "reminded of once by each workflow, however often this runs."
    )

    def handle(self, **options: Any) -> None:
        number = reminders.send_due()
        if number or options["verbosity"] > 1:
            self.stdout.write(f"{number} reminders started")
