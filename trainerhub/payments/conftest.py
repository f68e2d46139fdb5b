"""What the tests of payments share."""

from __future__ import annotations

from trainerhub.payments.tests.stripe_server import stripe_server  # noqa: F401
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
