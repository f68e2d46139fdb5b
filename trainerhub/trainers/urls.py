"""The addresses of trainers."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from trainerhub.trainers.api import views

router = SimpleRouter(use_regex_path=False)
router.register("trainers", views.TrainerViewSet, basename="trainer")
router.register("services", views.ServiceViewSet, basename="service")
router.register("availabilities", views.AvailabilityViewSet, basename="availability")
router.register(
    "availability-exceptions",
    views.AvailabilityExceptionViewSet,
    basename="availability-exception",
)
urlpatterns = [
    path("trainers/me/", views.OwnTrainerView.as_view(), name="own-trainer"),
    path("", include(router.urls)),
]
