"""Alice, Bob and the servers they pay through, and a store for what they do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spotter.stores import Store
from tests.kept import kept_store
from trainerhub.payments.tests.stripe_server import stripe_server  # noqa: F401
from trainerhub.workflows.tests.people import (  # noqa: F401 (fixtures)
    alice,
    anonymous,
    as_alice,
    as_bob,
    bob,
    booking,
    run_tasks,
)


@pytest.fixture(autouse=True)
def kept(settings, tmp_path) -> Iterator[Store]:
    """A store of the test's own, which what TrainerHub does is written to."""
    settings.SPOTTER = {**settings.SPOTTER, "RECORDING": True}
    yield from kept_store(settings, tmp_path)
