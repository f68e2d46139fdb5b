"""What is to be done at a process's end is done, also where nobody runs atexit's."""

from __future__ import annotations

import subprocess
import sys

import pytest

PARENT = """
import multiprocessing, os
from spotter.recording import ending

def child():
    ending.at_exit(lambda: print("first", flush=True))
    ending.at_exit(lambda: 1 / 0)
    ending.at_exit(lambda: print("last", flush=True))
    ending.mind_child()

if __name__ == "__main__":
    process = multiprocessing.get_context("{method}").Process(target=child)
    process.start()
    process.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_of_multiprocessing_ends_in_order_whatever_fails(method, tmp_path):
    program = tmp_path / "parent.py"
    program.write_text(PARENT.format(method=method))
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[:2] == ["last", "first"]
    assert "spotter could not end a process" in done.stderr
