"""Make rules fire on purpose, and follow them to every receiver and back."""

from __future__ import annotations
