"""Tests of the health endpoints."""

from __future__ import annotations
