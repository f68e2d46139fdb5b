"""Every address of TrainerHub."""

from __future__ import annotations

import importlib.util

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs"), name="home"),
    path("admin/", admin.site.urls),
    path("api/", include("trainerhub.api.urls")),
]
if importlib.util.find_spec("spotter") is not None:
    urlpatterns.append(path("", include("spotter.urls")))

handler400 = "trainerhub.api.errors.bad_request"
handler403 = "trainerhub.api.errors.permission_denied"
handler404 = "trainerhub.api.errors.not_found"
handler500 = "trainerhub.api.errors.server_error"
