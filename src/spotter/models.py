"""No table: what gives Django's permissions one for the dashboard."""

from __future__ import annotations

from django.db import models


class Dashboard(models.Model):
    """Unmanaged, so that no migration is needed; its permission is made by migrate."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("view_dashboard", "Can see Spotter's dashboard"),
            ("respond_to_incidents", "Can acknowledge and silence alerts"),
        ]

    def __str__(self) -> str:
        return "Spotter's dashboard"
