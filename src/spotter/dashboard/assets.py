"""The dashboard's few files, from the package itself: no collectstatic, no CDN."""

from __future__ import annotations

import functools
import hashlib
import pathlib

from django.http import Http404, HttpRequest, HttpResponse

FOLDER = pathlib.Path(__file__).parent / "assets"
#: Every file that there is, and what it is.
TYPES = {
    "dashboard.css": "text/css; charset=utf-8",
    "uplot.min.css": "text/css; charset=utf-8",
    "theme.js": "text/javascript; charset=utf-8",
    "dashboard.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "uplot.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@functools.cache
def content(name: str) -> bytes:
    """A file's bytes."""
    return (FOLDER / name).read_bytes()


@functools.cache
def version() -> str:
    """What changes when any of the files does."""
    digest = hashlib.blake2b(digest_size=8)
    for name in sorted(TYPES):
        digest.update(content(name))
    return digest.hexdigest()


def asset(request: HttpRequest, version: str, name: str) -> HttpResponse:
    """One file, to be kept for good: its address changes with its content."""
    if name not in TYPES:
        raise Http404
    response = HttpResponse(content(name), content_type=TYPES[name])
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response
