"""What is captured of the host application, each recorder in its own module."""

from __future__ import annotations


def install() -> None:
    """Hook every recorder in, once."""
