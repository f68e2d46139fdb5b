"""What is read of accounts."""

from __future__ import annotations

from trainerhub.accounts.models import User


def profile(*, user_id: int) -> User:
    """The user with the trainer profile, if there is one, in one query."""
    return User.objects.select_related("trainer").get(pk=user_id)
