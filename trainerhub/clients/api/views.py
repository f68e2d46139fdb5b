"""The addresses of clients, notes and packages."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_filters import rest_framework as filters
from rest_framework import generics
from rest_framework.serializers import BaseSerializer

from trainerhub.api.authentication import current_user
from trainerhub.api.viewsets import OwnedViewSet
from trainerhub.clients import selectors, services
from trainerhub.clients.api.serializers import (
    ClientSerializer,
    NoteSerializer,
    PackageSerializer,
)
from trainerhub.clients.models import Client, Note, Package
from trainerhub.trainers.selectors import own_trainer


class ClientFilter(filters.FilterSet):  # type: ignore[misc]
    """`?search=` within name and address."""

    search = filters.CharFilter(method="matching", max_length=150)

    class Meta:
        model = Client
        fields = ["is_active", "search"]

    def matching(
        self, queryset: QuerySet[Client], name: str, value: str
    ) -> QuerySet[Client]:
        return queryset.filter(
            Q(full_name__icontains=value) | Q(email__icontains=value)
        )


class ClientViewSet(OwnedViewSet[Client]):
    """One's clients."""

    queryset = Client.objects.all()
    serializer_class = ClientSerializer
    filterset_class = ClientFilter
    ordering_fields = ["full_name", "created_at", "id"]

    def get_queryset(self) -> QuerySet[Client]:
        today = timezone.now().date()
        return selectors.with_balance(super().get_queryset(), today=today)

    def perform_create(self, serializer: BaseSerializer[Client]) -> None:
        serializer.instance = services.create_client(
            trainer=self.trainer, **serializer.validated_data
        )

    def perform_update(self, serializer: BaseSerializer[Client]) -> None:
        services.update_client(
            client=self.instance_of(serializer), **serializer.validated_data
        )

    def perform_destroy(self, instance: Client) -> None:
        services.delete_client(client=instance)


class NoteListView(generics.ListCreateAPIView[Note]):
    """What one noted of a client."""

    queryset = Note.objects.none()
    serializer_class = NoteSerializer
    ordering_fields = ["created_at", "id"]

    def get_queryset(self) -> QuerySet[Note]:
        return Note.objects.filter(client=client_in(self))

    def perform_create(self, serializer: BaseSerializer[Note]) -> None:
        serializer.instance = services.add_note(
            client=client_in(self), **serializer.validated_data
        )


class PackageListView(generics.ListCreateAPIView[Package]):
    """What a client paid ahead."""

    queryset = Package.objects.none()
    serializer_class = PackageSerializer
    ordering_fields = ["created_at", "expires_on", "id"]

    def get_queryset(self) -> QuerySet[Package]:
        return selectors.packages(client=client_in(self))

    def perform_create(self, serializer: BaseSerializer[Package]) -> None:
        serializer.instance = services.sell_package(
            client=client_in(self), **serializer.validated_data
        )


def client_in(
    view: generics.GenericAPIView[Note] | generics.GenericAPIView[Package],
) -> Client:
    """The client of the address, when it is the trainer's own."""
    trainer = own_trainer(user=current_user(view.request))
    owned = Client.objects.select_related("trainer").filter(trainer=trainer)
    return get_object_or_404(owned, pk=view.kwargs["pk"])
