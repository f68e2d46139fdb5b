"""How clients, notes and packages look in JSON."""

from __future__ import annotations

from rest_framework import serializers

from trainerhub.api.fields import CalendarDateField, PriceField
from trainerhub.clients.models import Client, Note, Package


class ClientSerializer(serializers.ModelSerializer[Client]):
    """A client as the trainer sees him."""

    package_balance = serializers.IntegerField(read_only=True, default=0)
    has_login = serializers.SerializerMethodField()

    class Meta:
        model = Client
        fields = [
            "id",
            "full_name",
            "email",
            "phone",
            "is_active",
            "has_login",
            "package_balance",
            "created_at",
        ]
        read_only_fields = ["created_at"]

    def get_has_login(self, client: Client) -> bool:
        return client.user_id is not None


class NoteSerializer(serializers.ModelSerializer[Note]):
    """What the trainer noted."""

    class Meta:
        model = Note
        fields = ["id", "body", "created_at"]
        read_only_fields = ["created_at"]


class PackageSerializer(serializers.ModelSerializer[Package]):
    """Sessions paid ahead."""

    sessions_total = serializers.IntegerField(min_value=1, max_value=500)
    price_minor = PriceField()
    expires_on = CalendarDateField(required=False, allow_null=True)

    class Meta:
        model = Package
        fields = [
            "id",
            "name",
            "sessions_total",
            "sessions_left",
            "price_minor",
            "currency",
            "expires_on",
            "created_at",
        ]
        read_only_fields = ["sessions_left", "currency", "created_at"]
