"""The addresses of clients."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from trainerhub.clients.api import views

router = SimpleRouter(use_regex_path=False)
router.register("clients", views.ClientViewSet, basename="client")
urlpatterns = [
    path("", include(router.urls)),
    path("clients/<int:pk>/notes/", views.NoteListView.as_view(), name="client-notes"),
    path(
        "clients/<int:pk>/packages/",
        views.PackageListView.as_view(),
        name="client-packages",
    ),
]
