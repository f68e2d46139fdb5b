"""The runbooks are in what is installed, not only in the checkout."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile

from spotter.dashboard.pages.runbooks import runbooks
from tests.servers.web import CHECKOUT


def test_the_wheel_and_the_source_archive_hold_every_runbook(tmp_path):
    build = "from hatchling.build import build_sdist, build_wheel; import sys; build_sdist(sys.argv[1]); build_wheel(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)],
        cwd=CHECKOUT, check=True, capture_output=True, timeout=100,
    )  # fmt: skip
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        sources = archive.getnames()
    for name in runbooks():
        assert f"spotter/runbooks/{name}.md" in names
        assert any(s.endswith(f"src/spotter/runbooks/{name}.md") for s in sources)
