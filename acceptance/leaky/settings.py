"""The settings of a project that leaks all it can, with every log file on."""

from __future__ import annotations

import os
import pathlib

from spotter import logs

HOME = pathlib.Path(os.environ["LEAKY_HOME"])
SECRET_KEY = "a key for tests"
DEBUG = os.environ["LEAKY_DEBUG"] == "1"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "acceptance.leaky.urls"
INSTALLED_APPS = ["spotter", "django.contrib.contenttypes", "django.contrib.auth"]
MIDDLEWARE = ["spotter.middleware.SpotterMiddleware"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HOME / "leaky.db"}
}
LOGGING = logs.config(HOME / "logs", production=not DEBUG, workflows={"tests.canaries"})
