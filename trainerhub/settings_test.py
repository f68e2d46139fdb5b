"""TrainerHub's settings for its own tests: a temporary home, nothing sent outside."""

from __future__ import annotations

import os
import tempfile

OUTSIDE = (
    "DATABASE_URL",
    "REDIS_URL",
    "SENDGRID_API_KEY",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "STRIPE_API_KEY",
    "SENTRY_DSN",
)
# Set, not removed: an empty variable also hides what a developer's .env says.
os.environ.update(dict.fromkeys(OUTSIDE, ""))
os.environ.pop("DATABASE_URL")
os.environ["TRAINERHUB_HOME"] = tempfile.mkdtemp(prefix="trainerhub-test-")
os.environ["TRAINERHUB_ENVIRONMENT"] = "development"

from trainerhub.settings import *  # noqa: E402, F403 (the environment comes first)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WHITENOISE_AUTOREFRESH = True
# Not there where Spotter is not installed.
globals().get("SPOTTER", {})["RECORDING"] = False
