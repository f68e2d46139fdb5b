"""What is read of clients."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from trainerhub.clients.models import Client, Package


def usable_on(on: dt.date, prefix: str = "") -> Q:
    """Which packages can still be used on a date."""
    return Q(**{f"{prefix}expires_on": None}) | Q(**{f"{prefix}expires_on__gte": on})


def with_balance(queryset: QuerySet[Client], *, today: dt.date) -> QuerySet[Client]:
    """Add `package_balance`: the sessions that are paid and can still be used."""
    left = Sum("packages__sessions_left", filter=usable_on(today, "packages__"))
    # Grouping drops the model's own order, and pages need one.
    ordered = queryset.order_by("full_name", "pk")
    return ordered.annotate(package_balance=Coalesce(left, 0))


def packages(*, client: Client) -> QuerySet[Package]:
    """What the client has paid ahead, the oldest first."""
    return Package.objects.filter(client=client)
