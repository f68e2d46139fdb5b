"""The WSGI application that gunicorn serves."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from trainerhub.lib.warming import import_views

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trainerhub.settings")
application = get_wsgi_application()
import_views()
