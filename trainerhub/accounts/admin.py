"""Accounts, for staff."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import forms

from trainerhub.accounts.models import User


class UserCreationForm(forms.AdminUserCreationForm[User]):
    """Add somebody by e-mail address."""

    class Meta:
        model = User
        fields = ["email", "full_name"]


@admin.register(User)
class UserAdmin(auth_admin.UserAdmin[User]):
    """Django's own user pages, where a password is changed but never seen."""

    add_form = UserCreationForm
    list_display = ["email", "full_name", "is_active", "is_staff", "joined_at"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "full_name"]
    ordering = ["email"]
    date_hierarchy = "joined_at"
    readonly_fields = ["last_login", "joined_at"]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        ("Person", {"fields": ["full_name", "phone"]}),
        (
            "May",
            {
                "fields": [
                    "is_active",
                    "is_staff",
                    "is_superuser",
                    "groups",
                    "user_permissions",
                ]
            },
        ),
        ("Dates", {"fields": ["last_login", "joined_at"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": [
                    "email",
                    "full_name",
                    "usable_password",
                    "password1",
                    "password2",
                ],
            },
        )
    ]
