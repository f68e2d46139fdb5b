"""A project with one rule over a file, told to Slack and PagerDuty: `watching.py --help`."""

from __future__ import annotations

import argparse
import pathlib

import django
from django.conf import settings
from django.core.management import call_command

from spotter.alerts.expressions import Computed, Reading
from spotter.alerts.rules import Rule, Severity
from spotter.channels import PagerDuty, Slack

KEY = "0123456789abcdef0123456789abcdef"


def main() -> None:
    """Run `manage.py spotter watch` for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--value", type=pathlib.Path, required=True)
    parser.add_argument("--for", dest="for_", type=float, default=0.0)
    for name in ("store", "slack", "pagerduty"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    expression = Computed(
        lambda source, now: [Reading(value=float(given.value.read_text()))]
    )
    rule = Rule(
        name="Broken", expression=expression, for_=given.for_,
        severity=Severity.CRITICAL, summary="It is broken",
    )  # fmt: skip
    settings.configure(
        SECRET_KEY="x",
        INSTALLED_APPS=["spotter"],
        SPOTTER={
            "STORE": given.store,
            "ENVIRONMENT": "production",
            "WATCH_SECONDS": 0.5,
            "RULES": [rule],
            "CHANNELS": [
                Slack(url=given.slack),
                PagerDuty(routing_key=KEY, url=given.pagerduty),
            ],
        },
    )
    django.setup()
    call_command("spotter", "watch")


if __name__ == "__main__":
    main()
