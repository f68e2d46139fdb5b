"""Points as rows of a table, and samples as bytes."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import orjson

from spotter.entries import Labels, Point
from spotter.histograms import BucketSum
from spotter.rescue import ignore, is_told

logger = logging.getLogger("spotter.stores")

Row = Sequence[Any]
T = TypeVar("T")

#: What reading raises of what a disk has damaged within a row.
UNREADABLE = (ValueError, TypeError, zlib.error)
#: Ids in one statement.
CHUNK = 500
#: Rows written by one statement, a quarter of a megabyte when compiled. Fewer would be more
#: statements, and more chances to wait for the interpreter with the lock held.
ROWS_AT_ONCE = 125

COLUMNS = "count, sum, minimum, maximum, zeros, last, last_at, buckets"
#: What zlib's streams begin with; JSON begins with a brace.
PACKED = b"x"
#: What bodies are full of, the most usual last: they take two thirds of the room with
#: it. Never to be changed, or what is kept could not be read; only to be followed by
#: another, whose checksum the stream names.
USUAL = (
    '"alias":"default","system":"postgresql","operation":"SELECT","tables":["site":"","w'
    'hy":"seen","rows":null,"kind":"n_plus_one","template":"","count":"seconds":"model":'
    '"relation":"advice":"Add select_related(\\"\\") to the query that the loop is over."'
    'DELETE FROM \\"INSERT INTO \\"() VALUES (%s, %s, %s, %s), … UPDATE \\" SET \\"\\" = %'
    's INNER JOIN \\" LEFT OUTER JOIN \\" ON (\\"_id\\" = \\"\\".\\"id\\") WHERE (\\"\\" IN'
    ' (…) AND \\"\\" >= %s AND NOT (\\"\\" IS NULL ORDER BY \\"\\" DESC LIMIT %s"name":"t'
    'ask_id":"attempt":1,"outcome":"failed","wait":0.,"exception":"","spans_dropped":0},'
    '{"method":"POST","path":"/api/{"method":"GET","path":"/api/","route":"/api/<int:pk>'
    '/","status":200,"duration":0.,"started_at":1,"request_id":"","trace_id":"","user_id'
    '":"","exception":"","why":"slow","why":"failed","why":"sampled","db_queries":,"db_s'
    'econds":0.,"cache_hits":,"cache_misses":,"queue_seconds":null,"spans":[{"at":0.,"du'
    'ration":0.001,"kind":"http","text":"GET "},{"at":0.,"duration":0.000,"kind":"cache"'
    ',"text":"get :… hit"},{"at":0.,"duration":0.00,"kind":"db","text":"SELECT \\"\\".\\"'
    'id\\", \\"\\".\\"created_at\\", \\"\\".\\"updated_at\\", \\"\\".\\"name\\", \\"\\".\\"s'
    'tatus\\" FROM \\" WHERE \\"\\".\\"_id\\" = %s ORDER BY \\"\\".\\"id\\" ASC LIMIT %s","'
    'fingerprint":"","rows":1}'
).encode()
#: Bodies above so many bytes are worth packing.
WORTH_PACKING = 200


def row_of(point: Point) -> tuple[Any, ...]:
    """
    A point as the columns of COLUMNS.

    What its kind does not use is NULL, which takes no room: of a counter's row there
    is little left but its sum, and most rows are counters'.
    """
    bounded = point.minimum <= point.maximum
    return (
        point.count,
        point.sum,
        point.minimum if bounded else None,
        point.maximum if bounded else None,
        point.zeros or None,
        point.last if point.last_at else None,
        point.last_at or None,
        point.encode() or None,
    )


def point_of(row: Row) -> Point:
    """The inverse of `row_of`."""
    point = Point()
    point.count, point.sum = row[0], row[1]
    if row[2] is not None:
        point.minimum, point.maximum = row[2], row[3]
    point.zeros, point.last, point.last_at = row[4] or 0, row[5] or 0.0, row[6] or 0.0
    if row[7] is not None:
        try:
            point.decode(bytes(row[7]))
        except UNREADABLE:
            pass_over("a point's buckets")
    return point


def pass_over(what: str) -> None:
    """Tell in the log, now and then, what can't be read: the rest of the store can."""
    with ignore():
        if is_told(f"read {what}"):
            logger.warning("spotter passes over %s: the store's file is damaged", what)


def add_sums(point: Point, row: Row) -> None:
    """
    Add all of a row of COLUMNS but its buckets.

    As making a point of it and merging that does, at a fifth of what it costs: a chart
    of a week is drawn of tens of thousands.
    """
    point.count += row[0]
    point.sum += row[1]
    if row[2] is not None:
        if row[2] < point.minimum:
            point.minimum = row[2]
        if row[3] > point.maximum:
            point.maximum = row[3]
    if row[4]:
        point.zeros += row[4]
    if row[6] is not None and row[6] >= point.last_at:
        point.last, point.last_at = row[5] or 0.0, row[6]


class PointSum:
    """Rows added up to one point."""

    __slots__ = ("_buckets", "_point")

    def __init__(self) -> None:
        self._point = Point()
        self._buckets: BucketSum | None = None

    def add(self, row: Row) -> None:
        """Add a row of COLUMNS."""
        add_sums(self._point, row)
        if row[7] is not None:
            self._buckets = self._buckets or BucketSum()
            try:
                self._buckets.add(bytes(row[7]))
            except UNREADABLE:
                pass_over("a point's buckets")

    def point(self) -> Point:
        """The sum; asked for once."""
        if self._buckets is not None:
            self._buckets.add_to(self._point)
        return self._point


def labels_of(text: str) -> Labels:
    """Labels as they were written; none where they can't be read."""
    return readable_labels(text) or ()


def readable_labels(text: str) -> Labels | None:
    """Labels as they were written; None where they can't be read."""
    try:
        return tuple((str(name), str(value)) for name, value in orjson.loads(text))
    except UNREADABLE:
        pass_over("a series' labels")
        return None


def packed(body: Mapping[str, Any]) -> bytes:
    """A sample's body as bytes."""
    plain = orjson.dumps(body)
    if len(plain) <= WORTH_PACKING:
        return plain
    packer = zlib.compressobj(6, zdict=USUAL)
    return packer.compress(plain) + packer.flush()


def unpacked(data: bytes) -> dict[str, Any]:
    """The inverse of `packed`."""
    if data[:1] == PACKED:
        # One that was packed without it says so, and asks for none.
        data = zlib.decompressobj(zdict=USUAL).decompress(data)
    body: dict[str, Any] = orjson.loads(data)
    if not isinstance(body, dict):
        raise TypeError("a sample's body is an object")
    return body


def parts(ids: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Ids or keys, not too many at once."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def marks(rows: Sequence[Sequence[Any]]) -> str:
    """
    The placeholders of rows after VALUES.

    All rows in one statement: between two of SQLite's steps another thread may take the
    interpreter, and in a busy process it keeps it for milliseconds, while every other
    process waits for the lock.
    """
    row = f"({', '.join('?' * len(rows[0]))})"
    return ", ".join([row] * len(rows))


def flat(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """The values of rows, one after the other, as a statement takes them."""
    return [value for row in rows for value in row]
