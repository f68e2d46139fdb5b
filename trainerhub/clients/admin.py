"""Clients, for staff."""

from __future__ import annotations

from django.contrib import admin

from trainerhub.clients.models import Client, Package


class PackageInline(admin.TabularInline[Package, Client]):
    """What was paid ahead, on the client's page."""

    model = Package
    extra = 0
    readonly_fields = ["created_at"]


@admin.register(Client)
class ClientAdmin(admin.ModelAdmin[Client]):
    """Clients with their packages; notes stay between trainer and client."""

    list_display = ["full_name", "trainer", "email", "is_active", "created_at"]
    list_filter = ["is_active"]
    list_select_related = ["trainer"]
    search_fields = ["full_name", "email", "trainer__business_name"]
    autocomplete_fields = ["trainer", "user"]
    readonly_fields = ["created_at"]
    inlines = [PackageInline]


@admin.register(Package)
class PackageAdmin(admin.ModelAdmin[Package]):
    """What was paid ahead."""

    list_display = ["name", "client", "sessions_left", "sessions_total", "expires_on"]
    list_select_related = ["client"]
    search_fields = ["name", "client__full_name"]
    autocomplete_fields = ["client"]
    readonly_fields = ["created_at"]
