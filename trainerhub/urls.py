"""Every address of TrainerHub."""

from __future__ import annotations

import importlib.util

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("trainerhub.api.urls")),
]
if importlib.util.find_spec("spotter") is not None:
    urlpatterns.append(path("", include("spotter.urls")))
