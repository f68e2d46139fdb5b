"""The ASGI application, for servers such as uvicorn."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from trainerhub.lib.warming import import_views

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trainerhub.settings")
application = get_asgi_application()
import_views()
