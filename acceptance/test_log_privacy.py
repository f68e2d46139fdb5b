"""The twenty-five secrets of a careless view, and every file that it can reach."""

from __future__ import annotations

import httpx
import pytest

from tests import canaries
from tests.servers.processes import wait_until
from tests.servers.web import serving

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("debug", ["0", "1"], ids=["production", "development"])
def test_no_secret_reaches_a_log_file_or_the_console(tmp_path, debug):
    env = {"LEAKY_HOME": str(tmp_path), "LEAKY_DEBUG": debug}
    logs = tmp_path / "logs"
    with serving("acceptance.leaky", tmp_path, env=env) as server:
        answer = httpx.post(
            f"{server.url}/leak/?{canaries.query()}",
            headers=canaries.headers(),
            json=canaries.body(),
            trust_env=False,
            timeout=60,
        )
        api_log = logs / "api.log"
        wait_until(lambda: "/leak/" in api_log.read_text(), 10, "the request's line")
    assert answer.status_code == 500
    written = {file.name: file.read_text() for file in logs.iterdir()}
    written["console"] = server.log
    assert {name: canaries.leaked(text) for name, text in written.items()} == {
        name: [] for name in written
    }
    # All was written: what was kept out was kept out of something.
    assert "Welcome mail for" in written["workflows.log"]
    assert "misbehave" in written["debug.log" if debug == "1" else "errors.log"]
