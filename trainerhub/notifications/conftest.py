"""What the tests of notifications share."""

from __future__ import annotations

from trainerhub.workflows.tests.people import (  # noqa: F401 (fixtures)
    alice,
    anonymous,
    as_alice,
    as_bob,
    as_charlie,
    bob,
    booking,
    charlie,
    error_handler,
    run_tasks,
)
