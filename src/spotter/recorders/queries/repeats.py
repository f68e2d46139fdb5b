"""Find statements that one request repeats, and say what would spare them."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from spotter.call_sites import site_text
from spotter.fingerprints import Statement, statement_of
from spotter.recorders.queries.attribution import Told
from spotter.spans import QuerySpan, Site

#: From so many repetitions on it is worth a word.
ENOUGH = 5
#: From so many seconds between two of them on, on average, it waits and looks again.
POLLING_SECONDS = 0.5

#: A statement's fingerprint, and the alias that it was asked on.
Asked = tuple[str, str]
Kind = Literal["n_plus_one", "duplicate_read", "write_loop", "get_or_create_loop"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """One statement that the same line asked for again and again."""

    kind: Kind
    statement: Statement
    alias: str
    site: str
    count: int
    seconds: float
    told: Told

    @property
    def advice(self) -> str:
        """What to write instead."""
        return advice(self.kind, self.told)


def grouped(spans: Iterable[QuerySpan]) -> dict[Asked, list[QuerySpan]]:
    """Put together what asked the same of the same database, in the order of asking."""
    groups: dict[Asked, list[QuerySpan]] = {}
    known: dict[tuple[str, str], list[QuerySpan]] = {}
    for span in spans:
        place = (span.sql, span.alias)
        group = known.get(place)
        if group is None:
            asked = (statement_of(span.sql).fingerprint, span.alias)
            group = known[place] = groups.setdefault(asked, [])
        group.append(span)
    return groups


def find_repeats(groups: Iterable[Sequence[QuerySpan]]) -> list[Repeat]:
    """
    Give what was repeated without need.

    A repetition is the same statement from the same line on the same alias. What is
    not one, though it looks like it: reading in batches, turning pages, writing many
    rows at a time, savepoints, a command that looks for work every few seconds.

    Args:
        groups: what asked the same, as `grouped` has it.
    """
    found = [
        repeat for group in groups if len(group) >= ENOUGH for repeat in by_site(group)
    ]
    return join_get_or_create(found)


def by_site(group: Sequence[QuerySpan]) -> Iterable[Repeat]:
    """
    Part one statement's spans by the line that asked.

    The first has not looked where it came from: most likely where the next one did.
    """
    sites: dict[Site | None, list[QuerySpan]] = defaultdict(list)
    times = Counter([span.site for span in group if span.site is not None])
    # Of a line that asked but now and then it is no loop with it either.
    loops = {site for site in times if times[site] >= ENOUGH - 1} or set(times)
    following = next((s.site for s in reversed(group) if s.site in loops), None)
    for span in reversed(group):
        following = span.site if span.site in loops else following
        sites[span.site or following].append(span)
    for site, spans in sites.items():
        spans.reverse()
        is_loop = len(spans) >= ENOUGH and not is_polling(spans)
        kind = kind_of(spans) if is_loop else None
        if kind is not None:
            yield repeat_of(kind, site, spans)


def is_polling(spans: Sequence[QuerySpan]) -> bool:
    """Whether so much time lies between them that sparing them would spare nothing."""
    instants = [span.started + span.seconds for span in spans]
    waited = max(instants) - min(instants) - sum(span.seconds for span in spans)
    return waited >= POLLING_SECONDS * len(spans)


def kind_of(spans: Sequence[QuerySpan]) -> Kind | None:
    """What kind of repetition it is; None when it is a good one."""
    times = Counter([span.sql for span in spans])
    statements = {sql: statement_of(sql) for sql in times}
    first = statements[spans[0].sql]
    if first.is_write:
        is_multirow = any(each.is_multirow for each in statements.values())
        return None if is_multirow else "write_loop"
    if first.operation not in ("SELECT", "WITH"):
        return None
    batches = sum(times[sql] for sql, each in statements.items() if each.is_batch)
    if 2 * batches >= len(spans):
        return None
    if len(times) > 1 and all(each.is_paged for each in statements.values()):
        return None
    # A text's first time has no hash: it says nothing about the answer.
    hashes = {span.parameters for span in spans if span.parameters is not None}
    is_same = len(times) == 1 and len(hashes) == 1
    return "duplicate_read" if is_same else "n_plus_one"


def repeat_of(kind: Kind, site: Site | None, spans: Sequence[QuerySpan]) -> Repeat:
    """Put together what is known of it."""
    return Repeat(
        kind=kind,
        statement=statement_of(spans[0].sql),
        alias=spans[0].alias,
        site=site_text(*site) if site else "",
        count=len(spans),
        seconds=sum(span.seconds for span in spans),
        told=next((span.told for span in spans if span.told), Told()),
    )


def join_get_or_create(found: list[Repeat]) -> list[Repeat]:
    """Take reading and writing by the same line for the loop that they are."""
    writing = {r.site for r in found if r.kind == "write_loop" and r.site}
    reading = {r.site for r in found if r.kind == "n_plus_one"}
    both = writing & reading
    return [
        dataclasses.replace(r, kind="get_or_create_loop") if r.site in both else r
        for r in found
        if not (r.site in both and r.kind == "n_plus_one")
    ]


def advice(kind: Kind, told: Told) -> str:
    """What to write instead, in the ORM's words where it is known."""
    if kind == "duplicate_read":
        return "Read it once before the loop, or cache it: every answer was the same."
    if kind == "write_loop":
        return "Write all rows at once with bulk_create() or bulk_update()."
    if kind == "get_or_create_loop":
        return (
            "Read all that exist with one filter(…__in=…), then bulk_create() the rest "
            "with ignore_conflicts or update_conflicts."
        )
    relation = told.relation.partition(".")[2]
    known = {
        "relation": f'Add select_related("{relation}") to the query that the loop is over.',
        "related": f'Add prefetch_related("{relation}") to the query that the loop is over.',
        "deferred": f"Read {told.relation} with the others: it was left out by only() or defer().",
        "count": "Count in the query that the loop is over: annotate(…=Count(…)).",
        "exists": "Ask in the query that the loop is over: annotate(…=Exists(…)).",
        "first": "Fetch them before with a Prefetch(queryset=…, to_attr=…) or a Subquery.",
        "get": "Read them all before the loop: in_bulk() or filter(pk__in=…).",
        "refresh": "Read the rows anew with one query instead of refresh_from_db() for each.",
    }  # fmt: skip
    return known.get(
        told.operation, "Read the rows of the whole loop with one query before it."
    )
