"""Silences: what is muted, by whom and why; what a new one would mute."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils import timezone

from spotter.alerts import matchers as matching
from spotter.alerts.matchers import MatcherError
from spotter.alerts.records import Alert, Silence
from spotter.alerts.silencing import (
    INCIDENT,
    OWN,
    PRESETS,
    Span,
    SpanError,
    span_of,
)
from spotter.dashboard import access, announcing
from spotter.dashboard import format as write
from spotter.dashboard import incidents as shared
from spotter.dashboard.blocks import (
    Action,
    Block,
    Cell,
    Column,
    Facts,
    Form,
    Link,
    Note,
    Table,
    Tabs,
)
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address

FIELDS = ("matchers", "until", "starts", "ends", "kind", "incident")
#: How long one that is over is shown.
PAST_SECONDS = 90 * 86400.0


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """A new one where one is asked for, then those that there are."""
    book, now = shared.book_of(reader), reader.now
    if book is None:
        return [shared.NO_BOOK]
    with book.reading() as page:
        alerts = list(page.alerts().values())
        found = page.silences(now - PAST_SECONDS)
    asked = {name: request.GET.get(name, "")[:500] for name in FIELDS}
    blocks: list[Block] = [*shared.notice_of(book, reader)]
    token = get_token(request) if access.may_act(request) else ""
    if token and asked["matchers"]:
        reason = request.GET.get("reason", "")
        blocks += preview(asked, alerts, now, token, reason)
    if token:
        blocks.append(form(asked))
    on = [each for each in found if each.is_on(now)]
    to_come = [each for each in found if each.starts_at > now]
    over = [each for each in found if each.ends_at <= now]
    return [
        *blocks,
        table("active", "Active", on, "Nothing is muted.", token, alerts),
        table("future", "To come", to_come, "No window is planned.", token),
        table("past", "Over", over, "No silence ended in the last 90 days."),
        *(announcing.maintenance_forms(token, now, on) if token else ()),
    ]


def preview(
    asked: Mapping[str, str],
    alerts: Sequence[Alert],
    now: float,
    token: str,
    reason: str,
) -> list[Block]:
    """What it would mute, and the button that makes it so."""
    try:
        matchers = matching.parse(asked["matchers"])
        span = span_of(asked, now, timezone.get_default_timezone())
    except (MatcherError, SpanError) as error:
        return [Note("This silence can't be made as it stands", str(error), "bad")]
    trial = Silence(
        id=0, matchers=matchers, author="", reason="", kind=span.kind,
        starts_at=span.starts_at, ends_at=span.ends_at,
    )  # fmt: skip
    hidden = [(name, value) for name, value in asked.items() if value]
    return [
        presets(asked),
        Action(
            href=address("act/silence"),
            token=token,
            title=f"Mute {matching.written(matchers)}",
            button=f"Mute until {until_text(span)}",
            fields=[("reason", "Why", reason)],
            hidden=hidden,
            is_main=True,
        ),
        Facts(
            "What it would do",
            [
                ("From (UTC)", Cell(write.moment(span.starts_at))),
                ("Until", Cell(until_text(span))),
                ("Kind", Cell(span.kind)),
            ],
        ),
        muted_table([a for a in alerts if a.is_firing and trial.covers(a)]),
    ]


def presets(asked: Mapping[str, str]) -> Tabs:
    """The ends to choose from, one tap each."""
    kept = {name: value for name, value in asked.items() if value and name != "ends"}
    links = []
    for name, text in PRESETS.items():
        if name == INCIDENT and not asked["incident"]:
            continue
        href = address("silences", None, **{**kept, "until": name})
        links.append(Link(text, href, is_current=asked["until"] == name))
    return Tabs(links)


def until_text(span: Span) -> str:
    """The end in words."""
    if span.incident is not None:
        return f"incident {span.incident} ends"
    return f"{write.moment(span.ends_at)[:16]} UTC"


def muted_table(alerts: Sequence[Alert]) -> Table:
    """The alerts that it would mute at once."""
    return Table(
        name="mutes",
        title="It would mute what fires now",
        columns=[Column(title, numeric=False) for title in ("Rule", "What", "Labels")],
        rows=[
            [
                Cell(each.rule, mono=True),
                Cell(each.text),
                Cell(", ".join(f"{k}={v}" for k, v in each.labels.items()), mono=True),
            ]
            for each in alerts
        ],
        empty="Nothing that fires now: it would mute what fires later and matches.",
    )


def form(asked: Mapping[str, str]) -> Form:
    """What is to be muted, and when."""
    choices = [(k, v) for k, v in PRESETS.items() if k != INCIDENT or asked["incident"]]
    return Form(
        title="Mute something, or plan a maintenance window",
        fields=[("matchers", "Matchers, such as rule=HighCPU, host.name=~web-.+", asked["matchers"])],
        selects=[
            (
                "until",
                "Until",
                asked["until"],
                [*choices, (OWN, "the end given below")],
            )
        ],
        times=[
            ("ends", "End (UTC)", asked["ends"]),
            ("starts", "Beginning (UTC), now if empty", asked["starts"]),
        ],
        hidden=[("incident", asked["incident"])] if asked["incident"] else [],
        button="See what it mutes",
    )  # fmt: skip


def table(
    name: str,
    title: str,
    found: Sequence[Silence],
    empty: str,
    token: str = "",
    alerts: Sequence[Alert] = (),
) -> Table:
    """Who mutes what from when until when."""
    titles = ["What", "Why", "Who", "From (UTC)", "Until (UTC)", "Kind"]
    extra = ["Mutes now"] if name == "active" else []
    extra += [""] if token else []
    return Table(
        name=name,
        title=title,
        columns=[Column(each, numeric=False) for each in titles + extra],
        rows=[
            list(
                itertools.chain(
                    cells(each),
                    [mutes(each, alerts)] if name == "active" else [],
                    [Cell("end", action=end(each, token))] if token else [],
                )
            )
            for each in found
        ],
        empty=empty,
    )


def cells(silence: Silence) -> list[Cell]:
    """One silence."""
    until = shared.minute(silence.ends_at)
    if silence.incident is not None and not silence.ended_by:
        until = f"incident {silence.incident} ends"
    ended = f", ended by {silence.ended_by}" if silence.ended_by else ""
    return [
        Cell(f"{silence.id} · {matching.written(silence.matchers)}", mono=True),
        Cell(silence.reason),
        Cell(silence.author),
        Cell(shared.minute(silence.starts_at), write.moment(silence.starts_at)),
        Cell(until + ended, write.moment(silence.ends_at)),
        Cell(silence.kind),
    ]


def mutes(silence: Silence, alerts: Sequence[Alert]) -> Cell:
    """Which rules it mutes at this moment."""
    rules = sorted({a.rule for a in alerts if a.is_firing and silence.covers(a)})
    return Cell(", ".join(rules) or "nothing", tone="" if rules else "muted")


def end(silence: Silence, token: str) -> Action:
    """The button that ends it."""
    return Action(
        href=address("act/unsilence"), token=token, button="End it",
        hidden=[("silence", str(silence.id))],
    )  # fmt: skip


PAGE = Page(
    path="silences",
    title="Silences",
    menu="Silences",
    build=build,
    with_period=False,
    refreshes=False,
    survives=True,
)
