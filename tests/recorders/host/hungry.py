"""
Move into a group with little memory, let a process of it be killed, and count.

`python -m tests.recorders.host.hungry GROUP STORE FOLDER`
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

GREEDY = """
open("/proc/self/oom_score_adj", "w").write("1000")
held = []
while True:
    held.append(b"x" * 1_000_000)
"""


def main(group: str, store: str, folder: str) -> None:
    """Look, be hungry twice, look again."""
    import django
    from django.conf import settings

    settings.configure(INSTALLED_APPS=["spotter"], SPOTTER={"STORE": store})
    django.setup()
    from spotter import recording
    from spotter.recorders.host.cgroups import read_cgroup
    from spotter.recorders.host.kills import read_kills
    from spotter.recorders.host.ledger import Ledger

    pathlib.Path(group, "cgroup.procs").write_text(str(os.getpid()))
    ledger = Ledger("host", pathlib.Path(folder))
    read_kills({"host.name": "web-1"}, read_cgroup(), ledger)
    for _ in range(2):
        ended = subprocess.run([sys.executable, "-c", GREEDY], check=False)
        assert ended.returncode == -signal.SIGKILL, ended
    read_kills({"host.name": "web-1"}, read_cgroup(), ledger)
    recording.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
