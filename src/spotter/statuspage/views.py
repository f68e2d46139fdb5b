"""The status page's answers: the same bytes for everybody, for fifteen seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from spotter.conf import get_settings
from spotter.statuspage import rendering
from spotter.statuspage.keeping import KEEP_SECONDS, kept
from spotter.statuspage.page import StatusPage
from spotter.statuspage.snapshot import Snapshot

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
#: What was written out of the latest snapshot: (what, address) to it and the bytes.
_written: dict[tuple[str, str], tuple[Snapshot, bytes]] = {}
MAX_WRITTEN = 24


def page_of_settings() -> StatusPage:
    """The page that the settings name; 404 when there is none."""
    page = get_settings().status_page
    if not isinstance(page, StatusPage):
        raise Http404("There is no status page.")
    return page


def written(
    name: str, base: str, snapshot: Snapshot, write: Callable[[Snapshot, str], bytes]
) -> bytes:
    """The bytes of a snapshot, written out once."""
    known = _written.get((name, base))
    if known is not None and known[0] is snapshot:
        return known[1]
    if len(_written) >= MAX_WRITTEN:
        _written.clear()
    content = write(snapshot, base)
    _written[name, base] = (snapshot, content)
    return content


def answer(
    request: HttpRequest,
    name: str,
    content_type: str,
    write: Callable[[Snapshot, str], bytes],
) -> HttpResponse:
    """One form of the page; 304 to who has it."""
    page = page_of_settings()
    base = page.url.rstrip("/") + "/" if page.url else own_address(request, name)
    content = written(name, base, kept.snapshot(page), write)
    etag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    response = HttpResponse(content, content_type=content_type)
    response["Cache-Control"] = f"public, max-age={KEEP_SECONDS:.0f}"
    response["ETag"] = etag
    response["X-Content-Type-Options"] = "nosniff"
    # Anybody may show it elsewhere: it holds nothing that is not public.
    response["Access-Control-Allow-Origin"] = "*"
    return get_conditional_response(request, etag=etag, response=response) or response


def own_address(request: HttpRequest, name: str) -> str:
    """Where the page is, by the request for one of its forms."""
    return request.build_absolute_uri(request.path.removesuffix(name))


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page."""
    response = answer(request, "", "text/html; charset=utf-8", rendering.as_html)
    response["Content-Security-Policy"] = POLICY
    response["Referrer-Policy"] = "same-origin"
    return response


@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """For programs."""
    return answer(request, "status.json", "application/json", rendering.as_json)


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """For feed readers."""
    kind = "application/rss+xml; charset=utf-8"
    return answer(request, "status.rss", kind, rendering.as_rss)


@require_safe
def asset(request: HttpRequest, name: str) -> HttpResponse:
    """The page's style, script and icon; the page asks for them by version."""
    page_of_settings()
    if name not in rendering.ASSETS:
        raise Http404("There is no such file.")
    kind = rendering.ASSETS[name]
    response = HttpResponse(rendering.asset(name), content_type=kind)
    response["Cache-Control"] = "public, max-age=86400"
    response["X-Content-Type-Options"] = "nosniff"
    return response
