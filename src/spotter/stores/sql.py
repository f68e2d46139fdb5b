"""A store in the tables of an SQL database: writing, reading and house-keeping in one."""

from __future__ import annotations

from spotter.stores.housekeeping import Housekeeping
from spotter.stores.reading import Reading


class SqlStore(Reading, Housekeeping):
    """A store in tables of its own, correct with any number of writing processes."""
