"""Trainers, for staff."""

from __future__ import annotations

from django.contrib import admin

from trainerhub.trainers.models import (
    Availability,
    AvailabilityException,
    Service,
    Trainer,
)


class AvailabilityInline(admin.TabularInline[Availability, Trainer]):
    """The week's hours on the trainer's page."""

    model = Availability
    extra = 0


class AvailabilityExceptionInline(admin.TabularInline[AvailabilityException, Trainer]):
    """The dates with other hours, on the trainer's page."""

    model = AvailabilityException
    extra = 0


@admin.register(Trainer)
class TrainerAdmin(admin.ModelAdmin[Trainer]):
    """Profiles with their hours."""

    list_display = ["business_name", "user", "city", "payment_method", "is_listed"]
    list_filter = ["is_listed", "payment_method"]
    list_select_related = ["user"]
    search_fields = ["business_name", "city", "user__email"]
    autocomplete_fields = ["user"]
    readonly_fields = ["created_at"]
    inlines = [AvailabilityInline, AvailabilityExceptionInline]


@admin.register(Service)
class ServiceAdmin(admin.ModelAdmin[Service]):
    """What is offered."""

    list_display = ["name", "trainer", "duration_minutes", "price_minor", "is_active"]
    list_filter = ["is_active"]
    list_select_related = ["trainer"]
    search_fields = ["name", "trainer__business_name"]
    autocomplete_fields = ["trainer"]
