"""Evidence from the log files: the errors of the last minutes, and where they arose."""

from __future__ import annotations

import datetime
import itertools
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from django.conf import settings as django_settings

from spotter.alerts.evidence.piece import Piece
from spotter.alerts.evidence.requests import EXCEPTIONS
from spotter.alerts.evidence.scene import Scene
from spotter.alerts.shipped import ROUTE
from spotter.call_sites import is_project, short
from spotter.entries import FAILED_WEIGHT, Point
from spotter.exceptions import SpotterError
from spotter.logs.reading.entries import Entry
from spotter.logs.reading.files import Log, NoLogsError, directory_of, find_logs
from spotter.logs.reading.search import Query, search
from spotter.stores.contract import StoreError

#: Where errors are in production; in development they are among the rest.
ERRORS = "errors.log"
#: Entries looked at, and shown; and the longest that is waited for the disk.
READ, SHOWN, SECONDS = 300, 10, 2.0
_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
_RAISED = re.compile(r"^\s*(?P<type>[A-Za-z_][\w.]*)(?:: |$)")
_PAIRS = re.compile(r"(?: [a-z_.]+=(?:\"[^\"]*\"|\S+))+$")
ERROR = 40


def exceptions(scene: Scene) -> Iterator[Piece]:
    """The exceptions that ended requests, by type, with the place in the project."""
    found: dict[tuple[str, str], Point] = scene.totals(
        "spotter.http.server.exceptions", "error.type", ROUTE
    )
    counts: Counter[str] = Counter()
    routes: dict[str, str] = {}
    for (type_, route), point in sorted(found.items(), key=lambda f: -f[1].sum):
        counts[type_] += round(point.sum)
        routes.setdefault(type_, route)
    places = places_of(errors_of(scene)[0])
    for type_, count in counts.most_common(EXCEPTIONS):
        name = type_.rpartition(".")[2]
        place = f", at {places[name]}" if name in places else ""
        yield Piece(
            kind="error",
            name="Exceptions",
            text=f"{count:,}x {type_} in {routes[type_]}{place}",
            page="logs",
            asked={"text": name, "level": "ERROR"},
        )


def error_lines(scene: Scene) -> Iterator[Piece]:
    """The newest errors of the log files, those of failed requests first."""
    entries, trouble = errors_of(scene)
    if trouble:
        yield Piece(kind="trouble", name="Log lines", text=trouble, page="logs")
    failed = failed_ids(scene)
    seen: Counter[str] = Counter()
    # Stable: of equals, the newest stays first.
    for entry in sorted(entries, key=lambda e: e.field("request_id") not in failed):
        text = line_of(entry)
        seen[text] += 1
        if seen[text] == 1 and len(seen) <= SHOWN:
            id_ = entry.field("request_id") or ""
            asked = {"request_id": id_} if id_ else {"level": "ERROR"}
            yield Piece(
                kind="line", name="Log lines", text=f"{when(entry)} {text}",
                page="logs", asked=asked, request_id=id_,
            )  # fmt: skip


def failed_ids(scene: Scene) -> set[str]:
    """The ids of the kept examples; none without the store, and the files go on."""
    try:
        since = scene.now - scene.window
        kept = scene.samples("request", since, weight=FAILED_WEIGHT)
    except StoreError:
        return set()
    return {str(each.body.get("request_id")) for each in kept}


def errors_of(scene: Scene) -> tuple[list[Entry], str]:
    """What was logged as an error lately, the newest first, and what kept it away."""
    since = datetime.datetime.fromtimestamp(scene.now - scene.window, datetime.UTC)
    until = datetime.datetime.fromtimestamp(scene.now + 10, datetime.UTC)
    query = Query(level_number=ERROR, since=since, until=until)
    try:
        logs = files()
    except SpotterError as error:
        return [], f"none: {error}"
    found: list[Entry] = []

    def read() -> None:
        found.extend(itertools.islice(search(logs, query), READ))

    trouble = within(SECONDS, read)
    return list(found), f"not read: {trouble}" if trouble else ""


def files() -> list[Log]:
    """The file of the errors, or all where there is none."""
    folder = directory_of(django_settings.LOGGING or {})
    try:
        return find_logs(folder, [ERRORS])
    except NoLogsError:
        return find_logs(folder)


def within(seconds: float, work: Callable[[], None]) -> str:
    """
    Do it on a thread that is left alone when it takes too long; say what went wrong.

    A disk that hangs must not hold the watcher up.
    """
    trouble = ["it took too long"]

    def run() -> None:
        try:
            work()
            trouble[0] = ""
        except (OSError, SpotterError) as error:
            trouble[0] = type(error).__name__

    thread = threading.Thread(target=run, name="spotter-evidence", daemon=True)
    thread.start()
    thread.join(seconds)
    return trouble[0]


def when(entry: Entry) -> str:
    """The time of a line, in UTC."""
    return f"{entry.at:%H:%M:%S}" if entry.at else ""


def line_of(entry: Entry) -> str:
    """A line in short: who says what, and how its stack ends."""
    first, _, stack = entry.message.partition("\n")
    lines = [line for line in stack_of(entry, stack) if line.strip()]
    end = f" | {lines[-1].strip()}" if lines else ""
    return f"{entry.logger}: {_PAIRS.sub('', first).strip()}{end}"


def stack_of(entry: Entry, text: str = "") -> list[str]:
    """The lines of an entry's stack."""
    if entry.document is None:
        return (text or entry.text.partition("\n")[2]).splitlines()
    return str(entry.field("stack") or entry.field("exc_info") or "").splitlines()


def places_of(entries: Sequence[Entry]) -> dict[str, str]:
    """Where each exception arose most often: the innermost line of the project."""
    counts: dict[str, Counter[str]] = {}
    for entry in entries:
        lines = stack_of(entry)
        raised = next((m for x in reversed(lines) if (m := _RAISED.match(x))), None)
        place = place_of(lines)
        if raised and place:
            name = raised["type"].rpartition(".")[2]
            counts.setdefault(name, Counter())[place] += 1
    return {name: found.most_common(1)[0][0] for name, found in counts.items()}


def place_of(lines: Sequence[str]) -> str:
    """The innermost frame of the project's own code in a stack."""
    frames = [match for line in lines if (match := _FRAME.search(line))]
    for frame in reversed(frames):
        if is_project(frame[1]):
            return f"{short(frame[1])}:{frame[2]} {frame[3]}"
    return ""
