"""A directory of logs as a busy server leaves it, and the command that reads it."""

from __future__ import annotations

import gzip
import io
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import call_command

API = (
    '{"time":"2026-11-24T03:%02d:00.000Z","level":"%s","logger":"spotter.api",'
    '"message":"GET /api/ %d","status":%d,"request_id":"req-%d"}\n'
)


@dataclass
class Logs:
    """Write logs, and ask the command about them."""

    home: Path

    def write(self, name: str, text: str, *, age_days: float = 0) -> Path:
        path = self.home / name
        data = text.encode("utf-8", "surrogateescape")
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        if age_days:
            then = path.stat().st_mtime - age_days * 86400
            os.utime(path, (then, then))
        return path

    def run(self, *arguments: str) -> tuple[int, list[str]]:
        """Give the exit code and the lines that were printed."""
        out = io.StringIO()
        code = 0
        try:
            call_command(
                *("spotter", "logs", *arguments, "--directory", str(self.home)),
                stdout=out,
                no_color=True,
            )
        except SystemExit as end:
            code = int(end.code or 0)
        return code, out.getvalue().splitlines()


@pytest.fixture
def logs(tmp_path):
    """Two logs of three minutes, the first with an archive of two kinds."""
    logs = Logs(tmp_path)
    logs.write("app.log", TEXT)
    logs.write("api.log.2.gz", API % (1, "INFO", 200, 200, 1))
    logs.write("api.log.1", API % (2, "INFO", 404, 404, 2))
    logs.write("api.log", API % (3, "WARNING", 500, 500, 3))
    return logs


TEXT = """\
2026-11-24 03:01:30.000Z INFO trainers [41] [request_id=req-1] Seen plan=gold n=3
2026-11-24 03:02:30.000Z WARNING trainers.pay [41] [request_id=req-2] No method
2026-11-24 03:03:30.000Z ERROR clients [42] [request_id=req-3] Failed to save
\tTraceback (most recent call last):
\t  File "views.py", line 7, in save
\tLookupError: no such client
"""
