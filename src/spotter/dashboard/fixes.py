"""What to fix first: by the time that would be spared, whatever it is."""

from __future__ import annotations

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Cell, Column, Table
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import address
from spotter.dashboard.statements import (
    BY_REPETITION,
    FINE_SECONDS,
    REPEATED,
    kind_of,
    latest_repeats,
    link,
    slow_statements,
    subject_of,
    text_of,
    texts,
)
from spotter.dashboard.traffic import RouteFacts

#: Fixes that are shown.
MOST = 10
#: What a request may take in Python, in seconds, before it is worth a look.
FINE_REQUEST_SECONDS = 0.2

#: What a fix must spare in all, in seconds, to be worth anybody's time.
LEAST_SECONDS = 0.05

Fix = tuple[float, list[Cell]]


def fixes(reader: Reader, routes: dict[str, RouteFacts]) -> Table:
    """Repetitions, statements and routes in one list."""
    found = first_of(
        [*repetitions(reader), *statements(reader), *slow_code(reader, routes)]
    )
    top = found[0][0] if found else 1
    return Table(
        name="fixes",
        title="Fix first",
        columns=[
            Column("What", numeric=False),
            Column("Where", numeric=False),
            Column("How", numeric=False),
            Column("Would spare"),
        ],
        rows=[
            [*cells, Cell(write.seconds(spared), spared, bar=spared / top)]
            for spared, cells in found
        ],
        empty="Nothing stands out: no repetition, no slow statement, no slow route.",
        note="Time that all requests of the period together would not have taken."
        if found
        else "",
    )


def first_of(found: list[Fix]) -> list[Fix]:
    """Those that spare most, none that spares next to nothing."""
    worth = [fix for fix in found if fix[0] >= LEAST_SECONDS]
    return sorted(worth, key=lambda fix: -fix[0])[:MOST]


def repetitions(reader: Reader) -> list[Fix]:
    """All but one of the repeated statements' time."""
    seconds, counts = (reader.totals(name, BY_REPETITION) for name in REPEATED)
    spared = {
        group: point.sum
        * (1 - 1 / max(counts[group].mean if group in counts else 1, 1))
        for group, point in seconds.items()
    }
    ranked = sorted(spared, key=lambda group: -spared[group])[:MOST]
    places = [(route, key, site) for _, route, key, site in ranked]
    latest = latest_repeats(reader, places) if places else {}
    made: list[Fix] = []
    for group in ranked:
        kind, route, key, site = group
        body = latest.get((route, key, site), {})
        times = counts[group].mean if group in counts else 1
        name = kind_of(kind)
        made.append(
            (
                spared[group],
                [
                    Cell(f"{name}: {subject_of(body) or 'one statement'}, {times:.0f} times {'a run' if route.startswith('command ') else 'a request'}", href=address("queries", reader.period, tab="repeated")),
                    Cell(f"{route} {site}", mono=True),
                    Cell(str(body.get("advice", ""))),
                ],
            )
        )  # fmt: skip
    return made


def statements(reader: Reader) -> list[Fix]:
    """What slow statements take beyond what is fine: the ten that take most."""
    slow = [
        (point.sum - FINE_SECONDS * point.count, key, point)
        for key, point in slow_statements(reader).items()
    ]
    slow.sort(key=lambda each: -each[0])
    known = texts(reader, [key for _, key, _ in slow[:MOST]])
    return [
        (
            spared,
            [
                Cell(
                    f"Slow query, {write.seconds(point.mean)} on average",
                    href=link(reader, key),
                ),
                Cell(write.short(text_of(key, known), 120), mono=True),
                Cell(advice_on(text_of(key, known))),
            ],
        )
        for spared, key, point in slow[:MOST]
    ]


def advice_on(statement: str) -> str:
    """What helps most, by what a statement does."""
    verb = statement.lstrip("( ").partition(" ")[0].upper()
    if verb in ("INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "COPY"):
        return "Fewer rows or indexes to change, or a task: its page shows who asks."
    if verb in ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "LOCK", "ROLLBACK"):
        return "It waits for others' locks or the disk: shorter transactions."
    return "An index, fewer rows, or a cache: its page shows who asks."


def slow_code(reader: Reader, routes: dict[str, RouteFacts]) -> list[Fix]:
    """What routes take in Python beyond what is fine."""
    made: list[Fix] = []
    for route in routes.values():
        waiting = min(route.db_seconds + route.cache_seconds, route.seconds)
        spared = route.seconds - waiting - FINE_REQUEST_SECONDS * route.requests
        if spared > 0:
            each = (route.seconds - waiting) / route.requests
            made.append(
                (
                    spared,
                    [
                        Cell(
                            f"Slow code, {write.seconds(each)} a request outside the database",
                            href=address(
                                "requests/route", reader.period, route=route.name
                            ),
                        ),
                        Cell(route.name, mono=True),
                        Cell(
                            "Calls to other services or heavy work: move it to a task."
                        ),
                    ],
                )
            )
    return made
