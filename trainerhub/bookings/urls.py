"""The addresses of bookings."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from trainerhub.bookings.api import views

router = SimpleRouter(use_regex_path=False)
router.register("bookings", views.BookingViewSet, basename="booking")
urlpatterns = [
    path("trainers/<int:pk>/slots/", views.SlotView.as_view(), name="slots"),
    path("bookings/summary/", views.SummaryView.as_view(), name="booking-summary"),
    path("", include(router.urls)),
]
