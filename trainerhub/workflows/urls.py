"""The addresses of workflows."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from trainerhub.workflows.api.views import ExecutionListView, WorkflowViewSet

router = SimpleRouter(use_regex_path=False)
router.register("workflows", WorkflowViewSet, basename="workflow")

urlpatterns = [
    *router.urls,
    path(
        "workflows/<int:pk>/executions/",
        ExecutionListView.as_view(),
        name="workflow-executions",
    ),
]
