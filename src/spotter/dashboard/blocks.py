"""What a page is made of, as plain values: each kind has a template of its name."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import json
from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils.safestring import SafeString

from spotter.dashboard.format import FORMATS, moment

#: A cell of a chart's table.
NUMBER = '<td class="n">{}</td>'
#: What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """
    One value of a table.

    Args:
        text: as it is shown.
        value: as it is downloaded; the text when None.
        href: where it leads.
        tone: "good", "warn", "bad", "muted" or "".
        mono: whether it is code.
        bar: its share of the largest, 0 to 1, drawn behind it.
        action: a button instead of the text.
    """

    text: str
    value: Any = None
    href: str = ""
    tone: str = ""
    mono: bool = False
    bar: float | None = None
    action: Action | None = None

    @property
    def width(self) -> str:
        """The bar's width in per cent, for an SVG."""
        return f"{100 * min(max(self.bar or 0.0, 0.0), 1.0):.1f}"


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A table's column; with `sort` its title is a link that sorts."""

    title: str
    numeric: bool = True
    sort: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """
    Rows of cells; says what is missing when there are none.

    On a phone each row is a card, each cell under the title of its column.
    """

    file: ClassVar = "spotter/blocks/table.html"
    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    empty: str
    note: str = ""
    sorted_by: str = ""
    more: str = ""

    @property
    def cells(self) -> list[list[tuple[Column, Cell]]]:
        """The rows, each cell with its column."""
        return [list(zip(self.columns, row, strict=False)) for row in self.rows]

    def csv(self) -> str:
        """The table for a spreadsheet."""
        return as_csv(
            [column.title for column in self.columns],
            [
                [c.text if c.value is None else c.value for c in row]
                for row in self.rows
            ],
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart; None where nothing was measured."""

    label: str
    values: Sequence[float | None]
    tone: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Lines over time, with deploys as marks; also a table and a download."""

    file: ClassVar = "spotter/blocks/chart.html"
    name: str
    title: str
    unit: str
    times: Sequence[int]
    lines: Sequence[Line]
    marks: Sequence[tuple[float, str]] = ()
    bars: bool = False
    is_wide: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(v is not None for line in self.lines for v in line.values)

    @property
    def data(self) -> str:
        """What the script draws."""
        return json.dumps(
            {
                "unit": self.unit,
                "bars": self.bars,
                "times": list(self.times),
                "lines": [
                    {
                        "label": line.label,
                        "tone": line.tone,
                        "values": list(line.values),
                    }
                    for line in self.lines
                ],
                "marks": [[at, text] for at, text in self.marks],
            }
        )

    @property
    def rows(self) -> SafeString:
        """
        The chart as a table's rows, the latest first.

        Written here: a template takes ten times as long for some thousand cells.
        """
        write = FORMATS[self.unit]
        rows = []
        for n, at in reversed(list(enumerate(self.times))):
            cells = [html.escape(write(line.values[n])) for line in self.lines]
            rows.append(
                f"<tr><td>{moment(at)}</td>{''.join(map(NUMBER.format, cells))}</tr>"
            )
        return SafeString("".join(rows))

    def csv(self) -> str:
        """The chart for a spreadsheet."""
        rows = [
            [moment(at), *(line.values[n] for line in self.lines)]
            for n, at in enumerate(self.times)
        ]
        return as_csv(["time (UTC)", *(line.label for line in self.lines)], rows)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about what is wrong now, what to do, and where to look."""

    kind: str
    tone: str
    text: str
    advice: str
    href: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Findings:
    """The verdict; that nothing is wrong is one too."""

    file: ClassVar = "spotter/blocks/findings.html"
    findings: Sequence[Finding]
    calm: str = "Nothing needs you."
    #: Of what time they are, where that is not the period of the page.
    of: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number with its change against the period before."""

    title: str
    text: str
    change: str = ""
    tone: str = ""
    href: str = ""
    values: Sequence[float | None] = ()

    @property
    def points(self) -> str:
        """The values as a line in a box of 100 by 24."""
        known = [v for v in self.values if v is not None]
        top = max(known, default=0) or 1
        width = max(len(self.values) - 1, 1)
        return " ".join(
            f"{100 * n / width:.1f},{23 - 21 * v / top:.1f}"
            for n, v in enumerate(self.values)
            if v is not None
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Tiles:
    """A row of tiles."""

    file: ClassVar = "spotter/blocks/tiles.html"
    tiles: Sequence[Tile]


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """Names and values."""

    file: ClassVar = "spotter/blocks/facts.html"
    title: str
    pairs: Sequence[tuple[str, Cell]]


@dataclasses.dataclass(frozen=True, slots=True)
class Prose:
    """A text with headings, lists and code; `html` is shown as it is."""

    file: ClassVar = "spotter/blocks/prose.html"
    title: str
    html: str


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """One of several ways to look."""

    text: str
    href: str
    is_current: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """A text in its own box, and where to go from it."""

    file: ClassVar = "spotter/blocks/note.html"
    title: str
    text: str
    tone: str = ""
    links: Sequence[Link] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Code:
    """Text as it stands, such as a statement."""

    file: ClassVar = "spotter/blocks/code.html"
    title: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Tabs:
    """Ways to look at the same page."""

    file: ClassVar = "spotter/blocks/tabs.html"
    links: Sequence[Link]


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """One span of a waterfall: its place in per cent of the whole."""

    kind: str
    text: str
    duration: str
    left: str
    width: str
    href: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Waterfall:
    """What a request waited for, one below the other."""

    file: ClassVar = "spotter/blocks/waterfall.html"
    title: str
    total: str
    bars: Sequence[Bar]
    dropped: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """
    Fields that filter a page, by GET.

    Args:
        choices: names, what is chosen, and what there is; each its own label.
        selects: names, labels, what is chosen, and values with their texts.
        times: names, labels and values of instants, in UTC.
    """

    file: ClassVar = "spotter/blocks/form.html"
    fields: Sequence[tuple[str, str, str]] = ()
    hidden: Sequence[tuple[str, str]] = ()
    choices: Sequence[tuple[str, str, Sequence[str]]] = ()
    selects: Sequence[tuple[str, str, str, Sequence[tuple[str, str]]]] = ()
    times: Sequence[tuple[str, str, str]] = ()
    button: str = "Show"
    title: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """
    Something to do, by POST: a few fields and a button.

    Args:
        token: the CSRF token of this request.
        fields: names, labels and values to fill in.
        areas: the same, for longer texts.
        is_main: whether it is what to do here, in a button for a thumb.
        links: other ways, beside the button.
        choices: names, labels, and values with their texts to choose from.
    """

    file: ClassVar = "spotter/blocks/action.html"
    href: str
    token: str
    button: str
    hidden: Sequence[tuple[str, str]] = ()
    fields: Sequence[tuple[str, str, str]] = ()
    choices: Sequence[tuple[str, str, Sequence[tuple[str, str]]]] = ()
    areas: Sequence[tuple[str, str, str]] = ()
    is_main: bool = False
    links: Sequence[Link] = ()
    title: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing in a list: its text, where it leads, and one more place to look."""

    text: str
    href: str = ""
    more: Link | None = None
    tone: str = ""
    mono: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Items:
    """Lists of things, each under its name."""

    file: ClassVar = "spotter/blocks/items.html"
    title: str
    groups: Sequence[tuple[str, Sequence[Item]]]
    empty: str


@dataclasses.dataclass(frozen=True, slots=True)
class Happening:
    """One line of a timeline."""

    at: str
    kind: str
    text: str
    actor: str = ""
    tone: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Timeline:
    """What happened, in order."""

    file: ClassVar = "spotter/blocks/timeline.html"
    title: str
    happenings: Sequence[Happening]
    more: Link | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of a log file."""

    at: str
    level: str
    logger: str
    text: str
    file: str
    href: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class LogLines:
    """Entries of the log files, the newest first."""

    file: ClassVar = "spotter/blocks/loglines.html"
    title: str
    lines: Sequence[LogLine]
    empty: str


@dataclasses.dataclass(frozen=True, slots=True)
class DayBar:
    """One day: what it was in words, and "good", "warn", "bad" or "none"."""

    text: str
    tone: str


@dataclasses.dataclass(frozen=True, slots=True)
class DayRow:
    """The days of one thing, the oldest first, and all of them in one word."""

    name: str
    text: str
    days: Sequence[DayBar]


@dataclasses.dataclass(frozen=True, slots=True)
class DayBars:
    """A row of bars, one for each day, for each of several things."""

    file: ClassVar = "spotter/blocks/daybars.html"
    title: str
    rows: Sequence[DayRow]


Block = (
    Table | Chart | Findings | Tiles | Facts | Note | Code | Tabs | Waterfall | Form
    | LogLines | Action | Items | Timeline | DayBars | Prose
)  # fmt: skip


def as_csv(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows for a spreadsheet, none of which it would run."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return out.getvalue()


def harmless(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value
