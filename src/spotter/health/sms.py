"""Could an SMS leave?"""

from __future__ import annotations

from typing import Any

import urllib3
from django.conf import settings

from spotter.health.check import HealthCheck, Report, Status
from spotter.health.remote import verify


class SmsCheck(HealthCheck):
    """
    Say whether `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN` are set.

    Args:
        verify: fetch the account from Twilio. Sends and bills nothing; asked once a
            minute at most.
        base_url: where Twilio's API is.
    """

    name = "sms"

    def __init__(
        self,
        *,
        verify: bool = False,
        base_url: str = "https://api.twilio.com",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.verify = verify
        self.base_url = base_url
        if verify:
            self.ttl_seconds = options.get("ttl_seconds", 60.0)
            self.timeout_seconds = options.get("timeout_seconds", 6.0)

    def run(self) -> Report:
        account = getattr(settings, "TWILIO_ACCOUNT_SID", "")
        secret = getattr(settings, "TWILIO_AUTH_TOKEN", "")
        if not account and not secret:
            return Report(Status.NOT_CONFIGURED, "Twilio credentials missing")
        if not account or not secret:
            missing = "auth token" if account else "account SID"
            return Report(Status.NOT_CONFIGURED, f"Twilio {missing} missing")
        if not self.verify:
            return Report(Status.CONFIGURED, "Twilio credentials present")
        url = f"{self.base_url}/2010-04-01/Accounts/{account}.json"
        headers = urllib3.make_headers(basic_auth=f"{account}:{secret}")
        return verify("Twilio", url, headers)
