"""Processes that the kernel killed for memory, whichever process notices."""

from __future__ import annotations

import pathlib

from spotter import recording
from spotter.recorders.host.cgroups import ROOT, Cgroup, fields, text_of
from spotter.recorders.host.ledger import Ledger

BOOT = "proc/sys/kernel/random/boot_id"


def read_kills(
    labels: dict[str, str], group: Cgroup, ledger: Ledger, root: pathlib.Path = ROOT
) -> None:
    """
    Count what the kernel killed since anybody looked.

    The ledger remembers the last look, since the kernel may have killed who took it.
    """
    kills, counted_in = group.oom_kills, group.counted_in
    if kills is None:
        kills = fields(root / "proc/vmstat").get("oom_kill")
        counted_in = "the host"
    if kills is None:
        return
    # Another group, or another start of the host, counts from its own beginning.
    counter = f"{text_of(root / BOOT).strip()} {counted_in}"
    with ledger.page(wait_seconds=0.5) as page:
        if page is None:
            return
        known = page.get("oom_kills", {})
        before = known.get("kills", kills) if known.get("of") == counter else kills
        page["oom_kills"] = {"of": counter, "kills": kills}
    recording.count("spotter.workers.oom_kills", labels, max(0, kills - before))
