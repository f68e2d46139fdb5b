"""The views of `benchmarks.request`, with silk's pages, which its middleware asks for."""

from __future__ import annotations

from django.urls import include, path

from benchmarks import _request_views

urlpatterns = [
    *_request_views.urlpatterns,
    path("silk/", include("silk.urls", namespace="silk")),
]
