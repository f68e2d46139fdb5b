"""The README's commands, run word for word, do what it says."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from acceptance.trainerhub_server import environment, get
from tests.servers.processes import accepts, free_port, program, tail, wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.long, pytest.mark.timeout(300)]
CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
README = (CHECKOUT / "README.md").read_text()


def commands() -> list[str]:
    """The shell commands of the README, in order."""
    return re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


def command(part: str) -> str:
    [found] = [block for block in commands() if part in block]
    return found


class Reader:
    """Somebody who types what the README says, on ports that are free here."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.port, self.redis_port = free_port(), free_port()
        self.env = environment(home, self.port)
        self.log = str(home / "make-run.txt")

    def here(self, text: str) -> str:
        return text.replace("8000", str(self.port)).replace(
            "6390", str(self.redis_port)
        )

    def type(self, *blocks: str) -> str:
        """Run blocks in one shell, as one terminal does; give what it showed."""
        ended = subprocess.run(
            ["bash", "-euc", self.here("\n".join(blocks))],
            cwd=CHECKOUT,
            env=self.env | {"no_proxy": "127.0.0.1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def is_ready(self) -> bool:
        """Whether each check has come back in time once."""
        return get(f"http://127.0.0.1:{self.port}/ready/").status_code == 200

    @contextlib.contextmanager
    def runs(self, block: str) -> Iterator[None]:
        """`make run` in the first terminal, until Ctrl-C."""
        pathlib.Path(self.log).unlink(missing_ok=True)
        with open(self.log, "wb") as output:
            process = subprocess.Popen(
                ["bash", "-euc", self.here(block)],
                cwd=CHECKOUT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until(
                lambda: "Ctrl-C stops everything" in tail(self.log, 50_000),
                90,
                f"start of TrainerHub: {tail(self.log)}",
            )
            wait_until(
                self.is_ready, 20, "a moment in which this machine is not too busy"
            )
            yield
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
        assert "trainerhub: stopped" in tail(self.log)


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path)


def answers(shown: str) -> list[int]:
    """The statuses that curl wrote below each body."""
    return [int(line) for line in re.findall(r"^(\d{3})$", shown, re.MULTILINE)]


def test_a_newcomer_books_a_session(reader):
    booking = command("curl -s -i $API/bookings/")
    with reader.runs(commands()[0]):
        shown = reader.type(
            *(command("users/register/"), command("NEXT_WEEK=$("), booking, booking)
        )
    assert "201 Created" in shown
    assert "409 Conflict" in shown
    assert "slot_taken" in shown


def test_ready_turns_red_when_redis_is_killed_and_live_does_not(reader):
    program("redis-server")
    reader.type(command("redis-server --port"))
    wait_until(lambda: accepts(reader.redis_port), 10, "start of Redis")
    with reader.runs(command("REDIS_URL=")):
        shown = reader.type(command("redis-cli"))
    assert answers(shown) == [200, 503, 200]
    red = re.findall(r"^(\{.*\})\n503$", shown, re.MULTILINE)[0]
    checks = json.loads(red)["checks"]
    assert [name for name in checks if checks[name]["status"] == "unhealthy"] == [
        "cache"
    ]


def test_simulated_traffic_meets_no_surprise_and_every_drill_its_receiver(reader):
    with reader.runs(commands()[0]):
        shown = reader.type(command("simulate --duration"), command("spotter drill"))
    assert ", 0 unexpected" in shown
    assert "watched by" in shown
    assert "18 of 18 drills reached everybody" in shown


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (CHECKOUT / link).exists()] == []


def test_every_path_in_the_table_exists():
    paths = re.findall(r"^\| `([\w/]+/)` \|", README, re.MULTILINE)
    assert paths
    assert [path for path in paths if not (CHECKOUT / path).is_dir()] == []


def test_every_make_target_that_is_named_exists():
    makefile = (CHECKOUT / "Makefile").read_text()
    targets = set(re.findall(r"`make ([a-z]+)", README))
    assert targets
    assert {t for t in targets if not re.search(rf"^{t}:", makefile, re.M)} == set()


def test_every_variable_of_the_example_is_read():
    known = {"HOST", "PORT", "WEB_CONCURRENCY"}
    # Spotter reads Sentry's.
    code = "".join(
        path.read_text()
        for folder in ("trainerhub", "src")
        for path in (CHECKOUT / folder).rglob("*.py")
    )
    named = re.findall(
        r"^#([A-Z_]+)=", (CHECKOUT / ".env.example").read_text(), re.MULTILINE
    )
    unread = {name for name in named if f'"{name}"' not in code}
    assert {name for name in unread - known if not name.startswith("SENTRY_")} == set()


def test_every_variable_that_the_settings_read_is_in_the_example():
    example = (CHECKOUT / ".env.example").read_text()
    settings = (CHECKOUT / "trainerhub" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings))
    assert read
    assert {name for name in read if f"#{name}=" not in example} == set()
