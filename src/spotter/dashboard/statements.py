"""What the store says of statements: their texts, and tables of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Cell, Column, Table
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import address
from spotter.entries import Point, Sample

FINGERPRINT = "db.query.fingerprint"
OTHER = "__other__"
#: What repetitions took and how many statements they were, and what tells them apart.
REPEATED = ("spotter.db.repeated", "spotter.db.repeated.queries")
BY_REPETITION = ("kind", "http.route", FINGERPRINT, "code.site")
#: What a statement may take, in seconds, before a faster one would be noticed.
FINE_SECONDS = 0.005
#: Route, fingerprint and line of a repetition.
Place = tuple[str, str, str]
#: Examples of repetitions that are looked through: fewer, where those are enough.
LOOKED_AT = (150, 1000)


def slow_statements(reader: Reader) -> dict[str, Point]:
    """Those whose mean is more than fine, of thousands, by fingerprint."""
    found = reader.totals(
        "spotter.db.statement.duration", (FINGERPRINT,), mean_above=FINE_SECONDS
    )
    return {key: point for (key,), point in found.items() if key != OTHER}


def texts(reader: Reader, fingerprints: Collection[str]) -> dict[str, str]:
    """The text of each of these statements that an example is kept of."""
    found = reader.latest_samples("statement", fingerprints)
    return {key: str(sample.body["text"]) for key, sample in found.items()}


def text_of(fingerprint: str, known: Mapping[str, str]) -> str:
    """A statement's text, or what can be said without."""
    if fingerprint == OTHER:
        return "statements that came once, or too many to tell apart"
    return known.get(fingerprint, f"statement {fingerprint}")


def link(reader: Reader, fingerprint: str) -> str:
    """Where a statement's page is."""
    if fingerprint == OTHER:
        return ""
    return address("queries/statement", reader.period, fingerprint=fingerprint)


def caller_table(reader: Reader, where: Mapping[str, str]) -> Table:
    """The statements of a route."""
    found = reader.totals("spotter.db.statement.callers", (FINGERPRINT,), where)
    ranked = sorted(found.items(), key=lambda item: -item[1].sum)[:25]
    known = texts(reader, [key for (key,), _ in ranked])
    top = max((point.sum for _, point in ranked), default=0) or 1
    return Table(
        name="statements",
        title="Its statements",
        columns=[
            Column("Statement", numeric=False),
            Column("Calls"),
            Column("Mean"),
            Column("Longest"),
            Column("Total time"),
        ],
        rows=[
            [
                Cell(
                    write.short(text_of(key, known), 160),
                    mono=True,
                    href=link(reader, key),
                ),
                Cell(write.count(point.count), point.count),
                Cell(write.seconds(point.mean), point.mean),
                Cell(write.seconds(point.maximum), point.maximum),
                Cell(write.seconds(point.sum), point.sum, bar=point.sum / top),
            ]
            for (key,), point in ranked
        ],
        empty="It asks the database for nothing.",
    )


def latest_repeats(
    reader: Reader, wanted: Collection[Place]
) -> dict[Place, Mapping[str, Any]]:
    """What the latest example of these repetitions says, by their places."""
    found = examples_of_repeats(reader, wanted)
    return {place: sample.body for place, sample in found.items()}


def examples_of_repeats(
    reader: Reader, wanted: Collection[Place]
) -> dict[Place, Sample]:
    """The latest example of these repetitions, by route, fingerprint and line."""
    found: dict[Place, Sample] = {}
    for looked_at in LOOKED_AT:
        for sample in reader.samples("repeated", limit=looked_at):
            body = sample.body
            found.setdefault((body["route"], body["fingerprint"], body["site"]), sample)
        if found.keys() >= set(wanted):
            break
    return found


def kind_of(repetition: str) -> str:
    """What a repetition is called."""
    if repetition == "n_plus_one":
        return "N+1"
    return repetition.replace("_", " ").capitalize()


def subject_of(body: Mapping[str, Any]) -> str:
    """What is repeated, in a word: `bookings.Client (Booking.client)`."""
    model, relation = body.get("model", ""), body.get("relation", "")
    if model and relation:
        return f"{model} ({relation})"
    return str(model or relation)
