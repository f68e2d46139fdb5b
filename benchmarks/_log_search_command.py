"""`spotter logs search` of a directory, in a project that has Spotter alone."""

from __future__ import annotations

import sys

import django
from django.conf import settings
from django.core.management import call_command

if __name__ == "__main__":
    settings.configure(INSTALLED_APPS=["spotter"], SECRET_KEY="a benchmark's")
    django.setup()
    directory, *arguments = sys.argv[1:]
    call_command("spotter", "logs", "search", *arguments, "--directory", directory)
