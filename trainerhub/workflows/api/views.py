"""The addresses of workflows."""

from __future__ import annotations

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, viewsets
from rest_framework.serializers import BaseSerializer

from trainerhub.api.authentication import current_user
from trainerhub.trainers.selectors import own_trainer
from trainerhub.workflows import selectors, services
from trainerhub.workflows.api.serializers import (
    ExecutionSerializer,
    WorkflowSerializer,
)
from trainerhub.workflows.models import Execution, Workflow


class WorkflowViewSet(viewsets.ModelViewSet[Workflow]):
    """What one has automated; steps that are given replace those there were."""

    queryset = Workflow.objects.none()
    serializer_class = WorkflowSerializer
    filterset_fields = ["trigger", "is_active"]
    ordering_fields = ["name", "created_at", "id"]
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Workflow]:
        if getattr(self, "swagger_fake_view", False):
            return Workflow.objects.none()
        return selectors.workflows_of(own_trainer(user=current_user(self.request)))

    def perform_create(self, serializer: BaseSerializer[Workflow]) -> None:
        serializer.instance = services.create_workflow(
            trainer=own_trainer(user=current_user(self.request)),
            **serializer.validated_data,
        )

    def perform_update(self, serializer: BaseSerializer[Workflow]) -> None:
        workflow = services.update_workflow(
            workflow=self.get_object(), **serializer.validated_data
        )
        # Without what was prefetched before the steps were replaced.
        serializer.instance = Workflow.objects.get(pk=workflow.pk)


@extend_schema(summary="What a workflow did, and each of its steps")
class ExecutionListView(generics.ListAPIView[Execution]):
    """The executions of one of one's workflows."""

    queryset = Execution.objects.none()
    serializer_class = ExecutionSerializer
    filterset_fields = ["status"]
    ordering_fields = ["started_at", "finished_at", "id"]

    def get_queryset(self) -> QuerySet[Execution]:
        if getattr(self, "swagger_fake_view", False):
            return Execution.objects.none()
        own = Workflow.objects.filter(
            trainer=own_trainer(user=current_user(self.request))
        )
        return selectors.executions_of(get_object_or_404(own, pk=self.kwargs["pk"]))
