"""A worker that has started has imported everything that requests need."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from trainerhub.{name} import application
print("trainerhub.bookings.api.views" in sys.modules)
"""


def imported(name: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(name=name)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]


def test_views_are_imported_before_the_first_request():
    assert imported("wsgi") == "True"
    assert imported("asgi") == "True"
