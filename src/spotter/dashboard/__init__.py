"""The pages under `/spotter/`: what the store holds, for people."""

from __future__ import annotations
