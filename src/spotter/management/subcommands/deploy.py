"""`manage.py spotter deploy`: mark a deploy on every chart, from CI or by hand."""

from __future__ import annotations

import argparse
import dataclasses
import socket
import time
import urllib.parse

from django.core.management.base import BaseCommand

from spotter import privacy
from spotter.channels.notice import clock
from spotter.exceptions import SpotterError
from spotter.recorders.deploys import current_release
from spotter.recording import deploys
from spotter.recording.deploys import Mark
from spotter.stores.current import store_url

HELP = "mark on every chart that a release is deployed now"
#: Characters of a release, as Sentry has it, and of what is said of it.
MAX_RELEASE, MAX_TEXT = 200, 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which release, and what there is to say of it."""
    parser.description = (
        "Mark a deploy on every chart of the dashboard and for the rule "
        "DeployMadeItWorse. Processes mark their release by themselves where the "
        "environment, a RELEASE file or the platform names it; this is for projects "
        "where nothing does, and for CI, which knows when a deploy begins. A release "
        "that is the latest already is not marked again: only --url and --note are "
        "added to its mark."
    )
    parser.add_argument(
        "release",
        nargs="?",
        help="version, commit or image tag; by default that of this project's "
        "environment, as processes find it",
    )
    parser.add_argument("--url", default="", help="where to read more: https://…")
    parser.add_argument("--note", default="", help="one sentence on what changes")


def run(
    command: BaseCommand,
    *,
    release: str | None = None,
    url: str = "",
    note: str = "",
    **options: object,
) -> bool:
    """Write the mark, or say that it is there; True."""
    if store_url().startswith("memory:"):
        raise SpotterError(
            "SPOTTER['STORE'] is memory://, which ends with this command: no mark "
            "would be kept. Name a sqlite:// or postgresql:// store."
        )
    mark = Mark(
        at=time.time(),
        release=checked_release(release if release is not None else found_release()),
        host=socket.gethostname(),
        url=checked_url(url),
        note=checked_note(note),
    )
    command.stdout.write(put(mark))
    return True


def put(mark: Mark) -> str:
    """Mark the release unless it is the latest; give a sentence for whoever asked."""
    latest = deploys.latest()
    if latest is None or latest.release != mark.release:
        if latest is not None:
            at = max(mark.at, latest.at + 0.001)
            mark = dataclasses.replace(mark, at=at, previous=latest.release)
        if deploys.write(mark, after=latest):
            after = f", after {mark.previous}" if mark.previous else ""
            return f"marked: {mark.release}{after}"
        # A process that started with it was faster.
        latest = deploys.latest() or mark
    since = f"{mark.release} is the latest since {clock(latest.at)}"
    if not (mark.url or mark.note):
        return f"{since}: nothing to mark"
    deploys.annotate(dataclasses.replace(latest, url=mark.url, note=mark.note))
    return f"{since}: added what you say of it"


def found_release() -> str:
    """What the environment says."""
    release = current_release()
    if not release:
        raise SpotterError(
            "No release is given, and neither SENTRY_RELEASE nor SPOTTER_RELEASE nor a "
            "RELEASE file nor the platform names one. Name it: "
            "manage.py spotter deploy 2026.11.3"
        )
    return release


def checked_release(text: str) -> str:
    """
    A release that can stand on a chart.

    Raises:
        SpotterError: it is empty, too long or not one line of text.
    """
    release = text.strip()
    if not release or not release.isprintable() or len(release) > MAX_RELEASE:
        raise SpotterError(
            f"{text[:40]!r} cannot be a release: it must be one line of 1 to "
            f"{MAX_RELEASE} printable characters, such as a version or a commit."
        )
    return release


def checked_url(text: str) -> str:
    """
    An address that a page may link to.

    Raises:
        SpotterError: it is none, or it has a password in it.
    """
    if not text:
        return ""
    try:
        parts = urllib.parse.urlsplit(text)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_good = False
    if not is_good or not text.isprintable() or len(text) > MAX_TEXT:
        raise SpotterError(
            "--url must be an address that begins with https:// or http://, of at "
            f"most {MAX_TEXT} characters, such as https://ci.example.com/runs/17."
        )
    if parts.username is not None or privacy.scrub_text(text) != text:
        raise SpotterError(
            "--url holds a password, a token or something personal, which everybody "
            "who sees the charts would read. Leave that part out."
        )
    return text


def checked_note(text: str) -> str:
    """
    A sentence without anybody's data.

    Raises:
        SpotterError: it is too long.
    """
    note = " ".join(text.split())
    if len(note) > MAX_TEXT:
        raise SpotterError(
            f"--note has {len(note)} characters; {MAX_TEXT} is the most. Put the rest "
            "behind --url."
        )
    return privacy.scrub_text(note)
