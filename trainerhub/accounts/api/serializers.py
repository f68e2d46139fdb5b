"""How accounts look in JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trainerhub.accounts.models import User

# Hashing costs time in proportion; nobody's password is longer.
MAX_PASSWORD_LENGTH = 128


class PasswordField(serializers.CharField):
    """A password as it was typed, spaces and all; never given back."""

    def __init__(self) -> None:
        super().__init__(
            max_length=MAX_PASSWORD_LENGTH,
            trim_whitespace=False,
            write_only=True,
            style={"input_type": "password"},
        )


class UserSerializer(serializers.ModelSerializer[User]):
    """A user as seen by himself."""

    trainer = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ["id", "email", "full_name", "phone", "trainer"]
        read_only_fields = ["email"]

    def get_trainer(self, user: User) -> int | None:
        trainer = getattr(user, "trainer", None)
        return trainer.pk if trainer else None


class RegisterSerializer(serializers.Serializer[User]):
    """What opens an account."""

    email = serializers.EmailField(max_length=254)
    password = PasswordField()
    full_name = serializers.CharField(max_length=150)
    phone = serializers.CharField(max_length=20, required=False, allow_blank=True)


class LoginSerializer(serializers.Serializer[User]):
    """What opens the door."""

    email = serializers.EmailField(max_length=254)
    password = PasswordField()


class PasswordChangeSerializer(serializers.Serializer[User]):
    """The old password and the new one."""

    current_password = PasswordField()
    new_password = PasswordField()


class SessionSerializer(serializers.Serializer[Any]):
    """A token, told this once, and whose it is."""

    token = serializers.CharField()
    user = UserSerializer()
