"""Open accounts, let people in, and change what they may change of themselves."""

from __future__ import annotations

import logging
from typing import TypedDict, Unpack

from django.contrib.auth import authenticate, password_validation
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from knox.models import AuthToken

from trainerhub.accounts.models import User
from trainerhub.lib.refusals import Invalid, WrongCredentials

logger = logging.getLogger(__name__)


class Profile(TypedDict, total=False):
    """What a user may change of himself."""

    full_name: str
    phone: str


def register(
    *, email: str, password: str, full_name: str, phone: str = ""
) -> tuple[User, str]:
    """
    Create an account and give it with its first token.

    Raises:
        Invalid: the password is weak, or the address has an account.
    """
    user = User(email=email.lower(), full_name=full_name, phone=phone)
    _validate_password(password, user, field="password")
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                email, password, full_name=full_name, phone=phone
            )
            token = issue_token(user=user)
    except IntegrityError:
        # Told last: whoever asks after addresses needs a valid form for each.
        raise Invalid(
            "No account can be opened with this address; log in if it is yours.",
            field="email",
        ) from None
    logger.info("User registered", extra={"user_id": user.pk})
    return user, token


def log_in(*, email: str, password: str) -> tuple[User, str]:
    """
    Give the user and a new token.

    Raises:
        WrongCredentials: after the same time, whether the account exists or not:
            Django's backend hashes the password either way.
    """
    user = authenticate(username=email, password=password)
    if not isinstance(user, User):
        logger.warning("Log-in failed")
        raise WrongCredentials("The e-mail address or the password is wrong.")
    token = issue_token(user=user)
    logger.info("User logged in", extra={"user_id": user.pk})
    return user, token


def issue_token(*, user: User) -> str:
    """Create a token; only its hash is kept."""
    _, token = AuthToken.objects.create(user)
    return str(token)


def log_out(*, user: User, token: AuthToken) -> None:
    """Revoke the token that was used."""
    token.delete()
    logger.info("User logged out", extra={"user_id": user.pk})


def update_profile(*, user: User, **changes: Unpack[Profile]) -> User:
    """Change the name or the phone number."""
    for name, value in changes.items():
        setattr(user, name, value)
    user.save(update_fields=list(changes))
    return user


@transaction.atomic
def change_password(
    *,
    user: User,
    current_password: str,
    new_password: str,
    keep: AuthToken | None = None,
) -> None:
    """
    Set a new password and revoke every token but `keep`.

    Raises:
        Invalid: the current password is wrong, or the new one is weak.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not user.check_password(current_password):
        raise Invalid("This is not your password.", field="current_password")
    _validate_password(new_password, user, field="new_password")
    user.set_password(new_password)
    user.save(update_fields=["password"])
    AuthToken.objects.filter(user=user).exclude(pk=keep and keep.pk).delete()
    logger.info("Password changed", extra={"user_id": user.pk})


def _validate_password(password: str, user: User, *, field: str) -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field=field) from None
