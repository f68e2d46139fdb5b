"""Create the demo data, once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from trainerhub.demo import logins, seeding


class Command(BaseCommand):
    help = "Create a dozen trainers with clients, bookings and payments, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--new-passwords",
            action="store_true",
            help="give the demo's people new passwords, when the file was lost",
        )

    def handle(self, *, new_passwords: bool, **options: Any) -> None:
        refuse_in_production()
        known = logins.load()
        people = logins.make() if new_passwords or not known else known
        if seeding.seed(people):
            logins.save(people)
            self.stdout.write("demo data created")
        elif new_passwords:
            seeding.change_passwords(people)
            logins.save(people)
            self.stdout.write(f"new passwords are in {logins.path()}")
        else:
            self.stdout.write("demo data is there already")


def refuse_in_production() -> None:
    """Stop before people with passwords in a file appear among real ones."""
    if settings.PRODUCTION:
        raise CommandError(
            "TRAINERHUB_ENVIRONMENT is production: demo people are never created there."
        )
