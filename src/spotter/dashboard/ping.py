"""`POST /spotter/ping/<key>`: a job's sign of life from wherever it runs."""

from __future__ import annotations

import collections
import time

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from spotter.alerts import jobs
from spotter.alerts.book import Book
from spotter.alerts.drilled import DRILL_JOB
from spotter.alerts.heartbeats import FAILURE, START, SUCCESS, report
from spotter.rescue import ignore
from spotter.stores.contract import StoreError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

SALT = "spotter.ping"
KINDS = {
    "": SUCCESS, "success": SUCCESS, "start": START, "fail": FAILURE, "failure": FAILURE,
}  # fmt: skip
#: How much of a body is read, and how much of its end is looked at.
MAX_BODY_BYTES, KEPT_BYTES = 256 * 1024, 16 * 1024
#: How often a key may be used in one process.
PER_MINUTE = 30
USAGE = "end the address with nothing, /start, /success, /fail or an exit code\n"

#: When each job reported lately; only ever of jobs that there are.
_lately: dict[str, collections.deque[float]] = {}


def key_of(name: str) -> str:
    """The key of a heartbeat's address; made of SECRET_KEY, so nobody else can."""
    return Signer(salt=SALT).sign(name)


@csrf_exempt
def ping(request: HttpRequest, key: str, kind: str = "") -> HttpResponse:
    """
    Take it: 200 when it is written down, 404 for an unknown key, 503 to try again.

    The body is the job's output, of which the end is kept; `?size=` a backup's bytes.
    """
    if request.method != "POST":
        text = "POST to it: a preview of a link must not report for a job\n"
        return answer(text, 405, Allow="POST")
    with ignore():
        return take(request, key, kind)


def take(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """Check the key before anything is read or said."""
    try:
        name = Signer(salt=SALT).unsign(key)
        is_known = knows(name)
    except BadSignature:
        is_known = False
    except StoreError:
        return answer("not written down, try again\n", 503)
    if not is_known:
        return answer("unknown key\n", 404)
    facts = facts_of(kind)
    if facts is None:
        return answer(USAGE, 400)
    if is_too_often(name, time.monotonic()):
        return answer(f"more than {PER_MINUTE} a minute\n", 429, Retry_After="60")
    state = facts.pop("kind")
    if not report(name, str(state), **{**facts, **sent(request)}):
        return answer("not written down, try again\n", 503)
    return answer("ok\n", 200)


def knows(name: str) -> bool:
    """Whether there is such a job, here or in the store; a drill's is signed, too."""
    if name.startswith(DRILL_JOB):
        return True
    if any(each.name == name for each in jobs.of_this_process()):
        return True
    store = get_store()
    if not isinstance(store, SqlStore):
        return False
    with Book(store).reading() as page:
        return name in jobs.stored(page)


def facts_of(kind: str) -> dict[str, object] | None:
    """What the end of the address says; None when it says nothing known."""
    if kind in KINDS:
        return {"kind": KINDS[kind]}
    if kind.isascii() and kind.isdigit() and int(kind[:4]) < 256 and len(kind) < 4:
        return {"kind": FAILURE if int(kind) else SUCCESS, "exit_code": int(kind)}
    return None


def is_too_often(name: str, now: float) -> bool:
    """Whether a job reports more often than makes sense."""
    lately = _lately.setdefault(name, collections.deque(maxlen=PER_MINUTE))
    if len(lately) == PER_MINUTE and now - lately[0] < 60:
        return True
    lately.append(now)
    return False


def sent(request: HttpRequest) -> dict[str, object]:
    """The size, and the end of the output."""
    facts: dict[str, object] = {}
    size = request.GET.get("size", "")
    if size.isascii() and size.isdigit() and len(size) < 16:
        facts["size"] = int(size)
    kept, left = b"", MAX_BODY_BYTES
    while left > 0 and (part := request.read(min(left, 16384))):
        left -= len(part)
        kept = (kept + part)[-KEPT_BYTES:]
    output = kept.decode("utf-8", "replace").strip()
    if output:
        facts["output"] = output
    return facts


def answer(text: str, status: int, **headers: str) -> HttpResponse:
    """A line of text."""
    response = HttpResponse(
        text, status=status, content_type="text/plain; charset=utf-8",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )  # fmt: skip
    # Told here, not logged as a refused request.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
