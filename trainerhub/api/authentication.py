"""Who asks: the token of `Authorization: Token …`."""

from __future__ import annotations

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox import auth
from rest_framework import exceptions
from rest_framework.request import Request

from trainerhub.accounts.models import User


def current_user(request: Request) -> User:
    """The user that the view's permissions made sure of."""
    return cast(User, request.user)


class TokenAuthentication(auth.TokenAuthentication):  # type: ignore[misc]
    """Knox's tokens, for the price of one query and whatever bytes come."""

    def authenticate_credentials(self, token: bytes) -> Any:
        # Knox's are hexadecimal; another byte would fail in decode(), and a NUL in
        # PostgreSQL.
        if not token.isalnum():
            raise exceptions.AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)

    def _cleanup_token(self, auth_token: Any) -> bool:
        """Judge this token alone; Knox would load all of the user's at each request."""
        if auth_token.expiry is None or auth_token.expiry >= timezone.now():
            return False
        auth_token.delete()
        return True


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """What the OpenAPI document says of it."""

    target_class = "trainerhub.api.authentication.TokenAuthentication"
    name = "token"
