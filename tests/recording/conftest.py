"""A store of the test's own, which what is captured is written to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spotter.stores import Store
from tests.kept import kept_store


@pytest.fixture
def kept(settings, tmp_path) -> Iterator[Store]:
    """The store that the settings name, in a file of its own."""
    yield from kept_store(settings, tmp_path)
