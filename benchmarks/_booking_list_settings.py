"""TrainerHub's settings with the addresses of the benchmark instead of its own."""

from __future__ import annotations

from trainerhub.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks._booking_list"
# The server is measured, not what watches it.
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
LOGGING_CONFIG = None
