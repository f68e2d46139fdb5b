"""Answer a page: who may see it, which period, its blocks, and what went wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import pathlib
import secrets
import time
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.template import Context, Engine
from django.urls import (
    NoReverseMatch,
    get_script_prefix,
    get_urlconf,
    reverse,
)
from django.views.decorators.csrf import csrf_protect

from spotter.conf import get_settings
from spotter.dashboard import access, assets
from spotter.dashboard.blocks import Block, Chart, Link, Note, Table
from spotter.dashboard.format import ago, moment
from spotter.dashboard.period import PERIODS, Period, PeriodError, period_of
from spotter.dashboard.reading import Reader
from spotter.rescue import ignore
from spotter.stores.contract import StoreError
from spotter.stores.current import store_for_reading

logger = logging.getLogger("spotter.dashboard")

Build = Callable[[Reader, HttpRequest], Sequence[Block]]
#: From when on what is shown is old: several flushes are missing.
STALE_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    One page of the dashboard.

    To add one: a module in `pages/` with a PAGE, named in `pages/__init__.py`, and its
    test. `build` reads the store through a Reader and gives blocks; who may see them,
    the period, errors, CSV and the frame around them are not its business.

    Args:
        path: below the dashboard's address; "" is the overview.
        menu: its name in the menu; "" when it is reached from another page.
        parent: the path of the page that leads here.
        named_by: what of the address names the one that is shown, such as "id".
        export: gives the page as a document, for `?format=md`; None for none.
        still_for: what of the address makes it a search, which is not repeated by itself.
        survives: whether it is shown without the store, as what the watcher knows and
            the log files are.
        is_text: whether it shows nothing of the project, only what comes with Spotter:
            it is there when the store is not, nor the database of who may see it.
    """

    path: str
    title: str
    build: Build
    menu: str = ""
    parent: str = ""
    named_by: str = ""
    with_period: bool = True
    refreshes: bool = True
    still_for: tuple[str, ...] = ("q",)
    export: Callable[[Reader, HttpRequest], HttpResponse | None] | None = None
    survives: bool = False
    is_text: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class MenuEntry:
    """One entry of the menu."""

    title: str
    href: str
    is_current: bool = False


def root() -> str:
    """Where the dashboard is mounted."""
    urls = get_urlconf() or django_settings.ROOT_URLCONF
    return mounted(urls, get_script_prefix(), get_settings().dashboard_prefix)


@functools.lru_cache(maxsize=16)
def mounted(urls: object, script_prefix: str, prefix: str) -> str:
    """Where it is for these addresses; a page has hundreds of links."""
    try:
        return reverse("spotter:overview")
    except NoReverseMatch:
        return f"/{prefix.strip('/')}/"


def address(path: str, period: Period | None = None, **asked: str) -> str:
    """The address of a page, with the period that the reader is looking at."""
    query = [period.query] if period else []
    if asked:
        query.append(urllib.parse.urlencode(asked))
    place = f"{root()}{path}/" if path else root()
    return f"{place}?{'&'.join(query)}" if query else place


def answer(request: HttpRequest, page: Page, pages: Sequence[Page]) -> HttpResponse:
    """Give a page to who may see it."""
    try:
        allowed = access.may_see(request)
    except Exception:
        logger.exception("spotter could not tell who may see the dashboard")
        allowed = page.is_text
    if not allowed:
        return refuse(request, pages)
    # What looking costs is nobody's traffic.
    with ignore():
        return show(request, page, pages)


def refuse(request: HttpRequest, pages: Sequence[Page]) -> HttpResponse:
    """Send a stranger to the log-in, and tell who is logged in what is missing."""
    if not access.is_logged_in(request) and not get_settings().dashboard_access:
        query = urllib.parse.urlencode({"next": request.get_full_path()})
        return HttpResponseRedirect(f"{login_address()}?{query}")
    note = Note(
        "The dashboard is not for everybody",
        "It is for staff with the permission “spotter | dashboard | Can see Spotter's "
        "dashboard”, which a superuser gives in the admin, or for whom the function in "
        'SPOTTER["DASHBOARD_ACCESS"] lets in.',
        "warn",
    )
    return render(request, "No access", [note], status=403)


def login_address() -> str:
    """Where staff logs in: the admin's page, else what LOGIN_URL says."""
    try:
        return reverse("admin:login")
    except NoReverseMatch:
        return resolve_url(django_settings.LOGIN_URL)


def title_of(page: Page, request: HttpRequest) -> str:
    """The page's title, with the name of the one that it shows."""
    name = request.GET.get(page.named_by, "") if page.named_by else ""
    return f"{page.title} {name[:100]}".rstrip()


def show(
    request: HttpRequest,
    page: Page,
    pages: Sequence[Page],
    *,
    said: Note | None = None,
    status: int = 200,
) -> HttpResponse:
    """
    Build a page, whatever its parts do.

    Args:
        said: what is to be told first, such as why an action was refused.
    """
    now = time.time()
    try:
        period = period_of(request.GET, now)
    except PeriodError as error:
        period = period_of({}, now)
        blocks: Sequence[Block] = [
            Note("This period can't be shown", str(error), "bad")
        ]
        return render(
            request,
            title_of(page, request),
            blocks,
            page=page,
            pages=pages,
            period=period,
            status=400,
        )
    reader = Reader(store_for_reading(), period, now)
    document = exported(reader, page, request)
    if document is not None:
        return document
    blocks, notice = built(reader, page, request)
    block = named(blocks, request.GET.get("block", ""))
    if request.GET.get("format") == "csv" and block is not None:
        return download(block)
    return render(
        request,
        title_of(page, request),
        [*([said] if said else []), *blocks],
        page=page,
        pages=pages,
        period=period,
        status=status,
        notice=notice,
        as_of="" if page.is_text else moment(now)[11:],
    )


def built(
    reader: Reader, page: Page, request: HttpRequest
) -> tuple[Sequence[Block], Note | None]:
    """A page's blocks, and what is to be said of the store."""
    try:
        written = reader.now if page.is_text else reader.written_at()
        notice = stale(written, reader.now)
    except StoreError as error:
        notice = broken(error)
        if not page.survives:
            return [notice], None
    # What a page without a store shows may take long: files are searched.
    is_quick = not page.survives and not page.is_text
    try:
        with reader.store.reading() if is_quick else contextlib.nullcontext():
            return page.build(reader, request), notice
    except StoreError as error:
        return [broken(error)], None


def exported(reader: Reader, page: Page, request: HttpRequest) -> HttpResponse | None:
    """The page as a document, where one was asked for and there is one."""
    if page.export is None or request.GET.get("format") != "md":
        return None
    try:
        return page.export(reader, request)
    except StoreError:
        return None


def named(blocks: Sequence[Block], name: str) -> Table | Chart | None:
    """The block that is to be downloaded."""
    for block in blocks:
        if isinstance(block, Table | Chart) and block.name == name:
            return block
    return None


def download(block: Table | Chart) -> HttpResponse:
    """A table or chart as a file."""
    response = HttpResponse(block.csv(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="spotter-{block.name}.csv"'
    response["Cache-Control"] = "no-store"
    return response


def broken(error: StoreError) -> Note:
    """What to do about a store that cannot be read."""
    return Note(
        "The store can't be read",
        f"{error} Requests are served as ever, and each process keeps what it measures "
        'in memory for some minutes. Look at the place that SPOTTER["STORE"] names: is '
        "the disk full, the file readable, the server up? The log files and the runbooks "
        "are there without it.",
        "bad",
        links=[Link("Logs", address("logs")), Link("Runbooks", address("runbooks"))],
    )


def stale(written: float | None, now: float) -> Note | None:
    """A word about missing measurements."""
    if written is None:
        return Note(
            "Nothing has been measured yet",
            "Is spotter.middleware.SpotterMiddleware the first of MIDDLEWARE, and has "
            "anything asked for a page since? Measurements arrive every "
            f"{get_settings().flush_seconds:g} seconds.",
            "warn",
        )
    if now - written > STALE_SECONDS:
        return Note(
            f"The last measurement came {ago(now - written)}",
            "Either nobody asks for anything, or no process can write to the store: "
            "look for lines of the logger spotter.recording.",
            "warn",
        )
    return None


def render(
    request: HttpRequest,
    title: str,
    blocks: Sequence[Block],
    *,
    page: Page | None = None,
    pages: Sequence[Page] = (),
    period: Period | None = None,
    status: int = 200,
    notice: Note | None = None,
    as_of: str = "",
) -> HttpResponse:
    """The frame with its blocks, under a policy that lets nothing else run."""
    nonce = secrets.token_urlsafe(16)
    html = (
        engine()
        .get_template("spotter/page.html")
        .render(
            Context(
                {
                    "title": title,
                    "service": get_settings().service_name,
                    "environment": get_settings().environment,
                    "blocks": [*([notice] if notice else []), *blocks],
                    "menu": menu(pages, page, period),
                    "back": back(pages, page, period),
                    "periods": periods(request, period)
                    if page and page.with_period
                    else [],
                    "period": period,
                    "as_of": as_of,
                    "refresh": bool(
                        period
                        and period.is_live
                        and page
                        and page.refreshes
                        and not any(map(request.GET.get, page.still_for))
                    ),
                    "nonce": nonce,
                    "assets": f"{root()}assets/{assets.version()}/",
                    "here": request.get_full_path(),
                    "csv": csv_query(request),
                }
            )
        )
    )
    response = HttpResponse(html, status=status)
    response["Content-Security-Policy"] = policy(nonce)
    response["Cache-Control"] = "no-store, private"
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "same-origin"
    # Told here, not logged as a refused request: Django would write a warning.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def policy(nonce: str) -> str:
    """Scripts and styles of ours alone, none of them in the page."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "img-src 'self'; connect-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def csv_query(request: HttpRequest) -> str:
    """The page's own query, to which a download adds its block."""
    asked = request.GET.copy()
    asked.pop("block", None)
    asked["format"] = "csv"
    return asked.urlencode()


def menu(
    pages: Sequence[Page], current: Page | None, period: Period | None
) -> list[MenuEntry]:
    """The pages that are in the menu."""
    here = current.parent or current.path if current else None
    return [
        MenuEntry(page.menu, address(page.path, period), page.path == here)
        for page in pages
        if page.menu
    ]


def back(
    pages: Sequence[Page], current: Page | None, period: Period | None
) -> MenuEntry | None:
    """The page that leads to this one; None for those of the menu."""
    if current is None or not current.parent:
        return None
    above = next((page for page in pages if page.path == current.parent), None)
    if above is None:
        return None
    kept = period if current.with_period else None
    return MenuEntry(above.menu or above.title, address(above.path, kept))


def periods(request: HttpRequest, period: Period | None) -> list[MenuEntry]:
    """The periods to choose from, each leading to this very page."""
    entries = []
    for name in PERIODS:
        asked = request.GET.copy()
        for key in ("from", "to", "page"):
            asked.pop(key, None)
        asked["period"] = name
        is_current = bool(period and period.name == name)
        entries.append(MenuEntry(name, f"?{asked.urlencode()}", is_current))
    return entries


@functools.cache
def engine() -> Engine:
    """Django's templates, whatever the project's own settings for them."""
    return Engine(
        dirs=[str(pathlib.Path(__file__).parent / "templates")],
        builtins=["spotter.dashboard.typography"],
        autoescape=True,
    )


def view(page: Page, pages: Sequence[Page]) -> Callable[..., HttpResponse]:
    """The view of one page."""

    def answered(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        return answer(request, page, pages)

    # The page may have forms, also where the project has no CSRF middleware.
    answered = csrf_protect(answered)
    answered.__name__ = page.path.replace("/", "_") or "overview"
    return answered
