"""The latest deploys, as a table."""

from __future__ import annotations

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Cell, Column, Table
from spotter.dashboard.reading import Reader
from spotter.recording import deploys


def latest_deploys(reader: Reader) -> Table:
    """The latest changes of release, of any time."""
    marks = deploys.marks_of(reader.samples(deploys.KIND, limit=20))
    return Table(
        name="deploys",
        title="Deploys",
        columns=[
            Column("Release", numeric=False),
            Column("Since (UTC)", numeric=False),
            Column("After", numeric=False),
            Column("Note", numeric=False),
        ],
        rows=[
            [
                Cell(mark.release, href=mark.url, mono=True),
                Cell(write.moment(mark.at), mark.at),
                Cell(mark.previous or write.NONE, mono=bool(mark.previous)),
                Cell(mark.note),
            ]
            for mark in reversed(marks)
        ],
        empty="No release is known: set SENTRY_RELEASE, or mark one with "
        "manage.py spotter deploy.",
    )
