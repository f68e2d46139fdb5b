"""`POST /spotter/ping/<key>`: a job's sign of life from wherever it runs."""

from __future__ import annotations

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from spotter.alerts.drilled import DRILL_JOB
from spotter.alerts.heartbeats import FAILURE, START, SUCCESS, Heartbeat, report
from spotter.conf import get_settings

SALT = "spotter.ping"
KINDS = {"": SUCCESS, "start": START, "fail": FAILURE}
#: How much of a body is read.
MAX_BODY_BYTES = 8192


def key_of(name: str) -> str:
    """The key of a heartbeat's address; made of SECRET_KEY, so nobody else can."""
    return Signer(salt=SALT).sign(name)


@csrf_exempt
@require_POST
def ping(request: HttpRequest, key: str, kind: str = "") -> HttpResponse:
    """
    Take it: 200 when it is written down, 404 for an unknown key, 503 to try again.

    The body is the job's output, of which the end is kept; `?size=` a backup's bytes.
    """
    names = {
        each.name for each in get_settings().heartbeats if isinstance(each, Heartbeat)
    }
    try:
        name = Signer(salt=SALT).unsign(key)
    except BadSignature:
        name = ""
    is_drill = name.startswith(DRILL_JOB)
    if (name not in names and not is_drill) or kind not in KINDS:
        return answer("unknown key\n", 404)
    facts: dict[str, object] = {}
    size = request.GET.get("size", "")
    if size.isascii() and size.isdigit() and len(size) < 16:
        facts["size"] = int(size)
    output = request.read(MAX_BODY_BYTES).decode("utf-8", "replace").strip()
    if output:
        facts["output"] = output
    if not report(name, KINDS[kind], **facts):
        return answer("not written down, try again\n", 503)
    return answer("ok\n", 200)


def answer(text: str, status: int) -> HttpResponse:
    """A line of text."""
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
