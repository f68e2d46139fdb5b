"""The addresses of accounts."""

from __future__ import annotations

from django.urls import path

from trainerhub.accounts.api import views

urlpatterns = [
    path("users/register/", views.RegisterView.as_view(), name="register"),
    path("users/login/", views.LoginView.as_view(), name="login"),
    path("users/logout/", views.LogoutView.as_view(), name="logout"),
    path("users/me/", views.MeView.as_view(), name="me"),
    path("users/me/password/", views.PasswordView.as_view(), name="password"),
]
