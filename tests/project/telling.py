"""A project that measures into the store of its environment, in a hurry."""

from __future__ import annotations

import os

from tests.project.settings import *  # noqa: F403 (a settings module)

ALLOWED_HOSTS = ["*"]
SPOTTER = {"STORE": os.environ["SPOTTER_STORE"], "FLUSH_SECONDS": 0.5}
