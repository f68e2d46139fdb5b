"""The document of an incident, and the numbers of many."""

from __future__ import annotations

import dataclasses
import re

import pytest

from spotter.alerts.chronicle import DEPLOY_BEFORE_SECONDS, statistics, timeline
from spotter.alerts.evidence import Piece
from spotter.alerts.postmortem import Impact, impact, markdown
from spotter.alerts.records import Delivery, Event, Incident
from spotter.entries import Batch, Sample, Series
from spotter.stores.contract import StoreError
from spotter.stores.sqlite import MEMORY, SqliteStore

NOW = 1_000_000.0
INCIDENT = Incident(
    id=7, dedup_key="k", state="resolved", severity="critical", opened_at=NOW,
    touched_at=NOW, resolved_at=NOW + 600,
    body={
        "title": "5 % of requests fail", "rules": {"HighErrorRate": 2}, "alerts": ["a"],
        "began_at": NOW - 60, "first_acknowledged_at": NOW + 90,
        "resolution": {"cause": "a bad index", "done": "rebuilt", "by": "user 7", "at": NOW + 900},
    },
)  # fmt: skip
DELIVERY = Delivery(
    id=1, key="7:chat:trigger:0", incident=7, channel="chat", kind="trigger",
    state="sent", attempts=1, created_at=NOW, due_at=NOW, claimed_until=0.0,
    done_at=NOW, reason="the incident opened", error="", notice={},
)  # fmt: skip


def event(kind: str, text: str, at: float = NOW, actor: str = "") -> Event:
    return Event(incident=7, at=at, kind=kind, text=text, actor=actor)


def document(incident: Incident = INCIDENT, *events: Event) -> str:
    met = Impact(requests=1000, failed=50)
    pieces = [Piece(kind="route", name="Failing routes", text="/x/: 3")]
    return markdown(incident, events, pieces, [DELIVERY], met, NOW + 1000)


def test_the_document_has_everything_that_a_post_mortem_begins_with():
    text = document(INCIDENT, event("acknowledged", "acknowledged", actor="user 7"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    assert headings == [
        "Incident 7: 5 % of requests fail",
        "Impact",
        "Resolution",
        "Timeline",
        "Evidence, as it was when it fired",
        "Who was told",
    ]
    for words in (
        "50 of 1,000 requests failed (5 %)", "Lasted: 10 min", "First acknowledged after: 90 s",
        "HighErrorRate (2x)", "Fired again after resolving: 1x", "a bad index", "rebuilt",
        "| acknowledged |  | user 7 |", "  - /x/: 3", "| chat | trigger | sent | the incident opened |",
    ):  # fmt: skip
        assert words in text


def test_without_a_resolution_it_says_so():
    body = {**INCIDENT.body, "resolution": None}
    assert "Not written yet." in document(dataclasses.replace(INCIDENT, body=body))


def test_what_people_and_logs_say_is_no_markup_and_breaks_no_table():
    hostile = "a|b\n# c <script>alert(1)</script> `x` [l](javascript:1) **d**"
    body = {**INCIDENT.body, "title": hostile}
    text = document(dataclasses.replace(INCIDENT, body=body), event("note", hostile))
    assert "<script>" not in text
    assert not re.search(r"(?<!\\)\]\(javascript", text)
    assert not re.search(r"(?<!\\)`x", text)
    row = next(line for line in text.splitlines() if "| note |" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_the_impact_is_of_the_incidents_time_alone():
    store, batch = SqliteStore(MEMORY, lambda: NOW + 2000), Batch()
    for at, status in (
        (-70, "500"),
        (-50, "500"),
        (300, "200"),
        (595, "200"),
        (700, "500"),
    ):
        labels = {"http.route": "/", "http.response.status_code": status}
        batch.point(
            Series.of("http.server.request.duration", labels), NOW + at
        ).observe(1)
    store.write(batch)
    assert impact(store, INCIDENT, NOW + 2000) == Impact(requests=3, failed=1)


def test_an_impact_that_nobody_can_tell_is_not_none():
    class Gone:
        def total(self, query):
            raise StoreError("gone")

    assert "not known" in impact(Gone(), INCIDENT, NOW).text  # type: ignore[arg-type]
    assert "no request" in Impact(requests=0, failed=0).text


def test_releases_from_an_hour_before_to_its_end_are_in_the_timeline_once():
    first, end = INCIDENT.began_at - DEPLOY_BEFORE_SECONDS, NOW + 600
    times = {"a": first - 1, "b": first, "c": NOW, "d": end, "e": end + 1}
    deploys = [
        Sample(kind="deploy", key=key, at=at, weight=1, body={})
        for name, at in times.items()
        for key, at in ((name, at), (name, at + 0.5))
    ]
    found = timeline(INCIDENT, [event("opened", "x", NOW + 1)], deploys, NOW + 9000)
    assert [each.text for each in found] == ["b", "c", "x", "d"]


def of(opened: float, acknowledged: float | None, resolved: float | None, **rules: int):
    body: dict[str, object] = {"rules": rules, "resolution": None}
    if acknowledged is not None:
        body["first_acknowledged_at"] = opened + acknowledged
    return dataclasses.replace(
        INCIDENT, opened_at=opened, body=body,
        state="open" if resolved is None else "resolved",
        resolved_at=None if resolved is None else opened + resolved,
    )  # fmt: skip


def test_the_means_are_of_those_that_were_acknowledged_and_of_those_that_are_over():
    numbers = statistics(
        [of(0, 60, 600, A=1), of(0, None, 1200, A=2, B=1), of(0, 120, None, B=1)],
        2000.0,
    )
    assert (numbers.mtta, numbers.mttr) == (90, 900)
    assert (numbers.incidents, numbers.open, numbers.lacking) == (3, 1, 2)
    assert (numbers.acknowledged, numbers.resolved) == (2, 2)
    assert [(r.rule, r.firings, r.incidents, r.seconds) for r in numbers.rules] == [
        ("A", 3, 2, 1800),
        ("B", 2, 2, 3200),
    ]


@pytest.mark.parametrize("incidents", [[], [of(0, None, None)]])
def test_a_mean_of_nothing_is_none(incidents):
    numbers = statistics(incidents, 10.0)
    assert (numbers.mtta, numbers.mttr) == (None, None)


def told_of(*events: Event) -> list[tuple[str, str]]:
    return [(e.kind, e.text) for e in timeline(INCIDENT, events, [], NOW + 9000)]


def test_a_line_does_not_repeat_its_kind():
    assert told_of(
        event("not told", "chat not told: it was over within 5 s", NOW),
        event("sent", "chat: trigger sent in a digest of 3", NOW + 1),
        event("not sent", "chat: update not sent: status 500; again in 5 s", NOW + 2),
        event("resolved", "HighErrorRate resolved", NOW + 3),
        event("note", "we sent it: it is not told", NOW + 4),
    ) == [
        ("not told", "chat: it was over within 5 s"),
        ("sent", "chat: trigger in a digest of 3"),
        ("not sent", "chat: update: status 500; again in 5 s"),
        ("resolved", "HighErrorRate"),
        ("note", "we sent it: it is not told"),
    ]


def test_channels_of_which_the_same_is_said_are_one_line():
    assert told_of(
        event("not told", "chat not told: it is muted", NOW),
        event("not told", "pager not told: it is muted", NOW + 1),
        event("not told", "mail not told: it is for critical ones", NOW + 2),
        event("note", "looking", NOW + 3),
        event("not told", "chat not told: it is muted", NOW + 4),
    ) == [
        ("not told", "chat, pager: it is muted"),
        ("not told", "mail: it is for critical ones"),
        ("note", "looking"),
        ("not told", "chat: it is muted"),
    ]


def test_what_is_said_of_a_channel_again_and_again_is_counted():
    again = [event("not sent", "chat: trigger not sent: x", NOW + n) for n in range(3)]
    assert told_of(*again) == [("not sent", "chat: trigger: x (3 times)")]
