"""Points as rows of a table, and samples as bytes."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from spotter.entries import Labels, Point
from spotter.histograms import BucketSum

Row = Sequence[Any]

COLUMNS = "count, sum, minimum, maximum, zeros, last, last_at, buckets"
#: What zlib's streams begin with; JSON begins with a brace.
PACKED = b"x"
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
        point.decode(bytes(row[7]))
    return point


class PointSum:
    """Rows added up to one point."""

    __slots__ = ("_buckets", "_point")

    def __init__(self) -> None:
        self._point = Point()
        self._buckets = BucketSum()

    def add(self, row: Row) -> None:
        """Add a row of COLUMNS."""
        self._point.merge(point_of((*row[:7], None)))
        if row[7] is not None:
            self._buckets.add(bytes(row[7]))

    def point(self) -> Point:
        """The sum; asked for once."""
        self._buckets.add_to(self._point)
        return self._point


def labels_of(text: str) -> Labels:
    """Labels as they were written."""
    return tuple((name, value) for name, value in orjson.loads(text))


def packed(body: Mapping[str, Any]) -> bytes:
    """A sample's body as bytes."""
    plain = orjson.dumps(body)
    return zlib.compress(plain, 3) if len(plain) > WORTH_PACKING else plain


def unpacked(data: bytes) -> dict[str, Any]:
    """The inverse of `packed`."""
    body: dict[str, Any] = orjson.loads(
        zlib.decompress(data) if data[:1] == PACKED else data
    )
    return body
