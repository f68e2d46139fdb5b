"""What writing costs in memory does not grow with the number of batches."""

from __future__ import annotations

import subprocess
import sys

MEGABYTE = 1024 * 1024
#: Writes batches of as many sizes as a process has in an hour; prints what stayed.
PROGRAM = """
import os, sys, time
from spotter.entries import Batch, Series
from spotter.stores.sqlite import SqliteStore

def resident():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

def write(size):
    batch = Batch()
    for number in range(size):
        batch.point(Series("routes", (("http.route", str(number)),)), time.time()).observe(1)
    store.write(batch)

store = SqliteStore(sys.argv[1])
write(400)
before = resident()
for size in range(200, 400, 2):
    write(size)
print(resident() - before)
"""


def test_statements_of_many_sizes_are_not_kept(tmp_path):
    path = str(tmp_path / "spotter.db")
    command = [sys.executable, "-c", PROGRAM, path]
    ended = subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert int(ended.stdout) < 5 * MEGABYTE
