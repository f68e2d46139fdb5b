"""The addresses under /api/users/."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import logout
from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from trainerhub.accounts import selectors, services
from trainerhub.accounts.api.serializers import (
    LoginSerializer,
    PasswordChangeSerializer,
    RegisterSerializer,
    SessionSerializer,
    UserSerializer,
)
from trainerhub.accounts.models import User
from trainerhub.api.authentication import current_user
from trainerhub.api.throttling import (
    LoginThrottle,
    PasswordThrottle,
    RegisterThrottle,
)


class RegisterView(APIView):
    """Open an account."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [RegisterThrottle]

    @extend_schema(request=RegisterSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        form = RegisterSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user, token = services.register(**form.validated_data)
        return Response(_session(user, token), status=201)


class LoginView(APIView):
    """Exchange address and password for a token."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [LoginThrottle]

    @extend_schema(request=LoginSerializer, responses=SessionSerializer)
    def post(self, request: Request) -> Response:
        form = LoginSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user, token = services.log_in(**form.validated_data)
        return Response(_session(user, token))


class LogoutView(APIView):
    """Revoke the token that is used, or end the session."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        if isinstance(request.auth, AuthToken):
            services.log_out(user=current_user(request), token=request.auth)
        else:
            logout(request._request)
        return Response(status=204)


class MeView(APIView):
    """One's own account."""

    @extend_schema(responses=UserSerializer)
    def get(self, request: Request) -> Response:
        user = selectors.profile(user_id=current_user(request).pk)
        return Response(UserSerializer(user).data)

    @extend_schema(request=UserSerializer, responses=UserSerializer)
    def patch(self, request: Request) -> Response:
        user = selectors.profile(user_id=current_user(request).pk)
        form = UserSerializer(user, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        services.update_profile(user=user, **form.validated_data)
        return Response(UserSerializer(user).data)


class PasswordView(APIView):
    """Change one's password; other tokens are revoked."""

    throttle_classes = [PasswordThrottle]

    @extend_schema(request=PasswordChangeSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        form = PasswordChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        keep = request.auth if isinstance(request.auth, AuthToken) else None
        services.change_password(
            user=current_user(request), keep=keep, **form.validated_data
        )
        return Response(status=204)


def _session(user: User, token: str) -> dict[str, Any]:
    return dict(SessionSerializer({"token": token, "user": user}).data)
