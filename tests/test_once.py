"""What a run makes once is made once, however many processes ask for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.servers.once import made_once
from tests.servers.web import CHECKOUT, child_environment

ASK = """
import pathlib, sys, time
from tests.servers.once import made_once

folder = pathlib.Path(sys.argv[1])

def make(home):
    with (folder / "makers").open("a") as makers:
        makers.write("one\\n")
    time.sleep(0.3)
    (home / "file").write_text("whole")

print((made_once(folder, "home", make) / "file").read_text())
"""


def test_one_of_four_processes_makes_it_and_all_find_it_whole(tmp_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, str(tmp_path)],
            cwd=CHECKOUT, env=child_environment({}), stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert said == ["whole\n"] * 4
    assert (tmp_path / "makers").read_text() == "one\n"


def test_what_failed_is_made_anew(tmp_path):
    def fail(home):
        (home / "half").touch()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        made_once(tmp_path, "home", fail)
    assert list(made_once(tmp_path, "home", lambda home: None).iterdir()) == []
