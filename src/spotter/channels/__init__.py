"""How people are told: each channel takes a notice and sends it, or says why not."""

from __future__ import annotations

from spotter.channels.apprise import Apprise
from spotter.channels.channel import Channel, DeliveryError
from spotter.channels.email import Email
from spotter.channels.notice import Kind, Notice
from spotter.channels.pagerduty import PagerDuty
from spotter.channels.sentry import Sentry
from spotter.channels.slack import Slack
from spotter.channels.webhook import Webhook

__all__ = [
    "Apprise",
    "Channel",
    "DeliveryError",
    "Email",
    "Kind",
    "Notice",
    "PagerDuty",
    "Sentry",
    "Slack",
    "Webhook",
]
