"""`spotter incidents`, `silence` and `status`, as a script calls them."""

from __future__ import annotations

import io
import time

import pytest
from django.core.management import CommandError, call_command

from spotter.alerts.book import Book
from spotter.alerts.responses import respond
from spotter.entries import Batch, Sample
from spotter.stores.current import get_store
from tests.alerts.kit import World, rule


@pytest.fixture
def world(tmp_path, settings):
    """Incident 1 is over and 2 is open."""
    settings.SPOTTER = {
        "STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
        "FLUSH_SECONDS": 3600.0,
    }
    book = Book(get_store())  # type: ignore[arg-type]
    made = World(rule("Broken"), rule("Other"), book=book)
    made.now = time.time() - 3000
    made.tick(Broken=1)
    made.tick(600, Broken=0)
    made.tick(700, Other=1)
    return made


def spotter(*arguments: str) -> tuple[int, str]:
    out, code = io.StringIO(), 0
    try:
        call_command("spotter", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        code = int(end.code or 0)
    return code, out.getvalue()


def test_incidents_are_listed_with_their_state_and_the_mean_times(world):
    code, said = spotter("incidents")
    assert code == 0
    assert "resolved, needs a resolution  critical  10 min  Broken is at 1" in said
    assert "2 incidents, 1 open, 1 need a resolution" in said
    assert "to resolve 10 min" in said


@pytest.mark.parametrize(
    ("options", "code", "count"),
    [
        (["--state=open"], 0, 1),
        (["--state=unresolved"], 0, 1),
        (["--state=acknowledged"], 1, 0),
        (["--rule=Other"], 0, 1),
        (["--rule=Nothing"], 1, 0),
        (["--severity=warning"], 1, 0),
        (["--severity=critical", "--since=1d"], 0, 2),
        (["--since=30m"], 0, 1),
    ],
)
def test_incidents_are_filtered_and_none_is_exit_1(world, options, code, count):
    ended, said = spotter("incidents", *options)
    assert (ended, said.count("is at 1")) == (code, count)


@pytest.mark.parametrize(
    "options", [["x"], ["99"], ["-1x"], ["--markdown"], ["1" * 13], ["--since=soon"]]
)
def test_a_number_that_is_none_is_refused(world, options):
    with pytest.raises(CommandError) as refused:
        spotter("incidents", *options)
    assert len(str(refused.value)) > 10


def test_one_incident_is_shown_with_its_timeline(world):
    _, said = spotter("incidents", "1")
    assert "opened: Broken is at 1" in said
    assert "closed: nothing of it fires any more" in said


def test_one_incident_is_printed_as_markdown(world):
    at = world.now - 2000
    deploy = Sample(kind="deploy", key="7", at=at, weight=1, body={"release": "7"})
    world.book.store.write(Batch(samples=[deploy]))
    _, said = spotter("incidents", "1", "--markdown")
    assert said.startswith("# Incident 1: Broken is at 1\n")
    assert "| deploy | 7 |" in said
    assert said.endswith("|\n")


def test_a_script_mutes_what_it_deploys_and_ends_it_by_its_number(world):
    _, number = spotter(
        "silence", "add", "rule=Other", "host.name!=db-1", "--for=30m",
        "--reason=release 7", "--author=deploy script",
    )  # fmt: skip
    assert number == "1\n"
    code, listed = spotter("silence", "list")
    assert code == 0
    assert 'rule="Other", host.name!="db-1"' in listed
    assert "deploy script: release 7" in listed
    world.now = time.time()
    world.tick(0)
    assert "silenced" in [kind for kind, _ in world.timeline]
    spotter("silence", "end", "1")
    assert spotter("silence", "list") == (1, "")
    assert "1  over" in spotter("silence", "list", "--all")[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--until=2099-01-01"], "a minute to 30 days"),
        (["--until-incident=1"], "is over"),
        (["--for=1h", "--author= "], "must say who"),
        (["--for=1h", "--from=soon"], "not a time"),
    ],
)
def test_a_silence_that_was_hardly_meant_is_refused(world, options, words):
    with pytest.raises(CommandError, match=words):
        spotter("silence", "add", "rule=Other", "--reason=x", *options)
    assert spotter("silence", "list")[0] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--until-incident=2"], "until incident 2 ends"),
        (["--until=morning"], "active"),
        (["--for=1h", "--maintenance"], "maintenance"),
        (["--for=1h", "--from=2099-01-01"], ""),
    ],
)
def test_a_silence_ends_as_it_was_asked_to(world, options, words):
    if not words:
        with pytest.raises(CommandError, match="more than a year"):
            spotter("silence", "add", "rule=Other", "--reason=x", *options)
        return
    spotter("silence", "add", "rule=Other", "--reason=x", *options)
    assert words in spotter("silence", "list")[1]


def test_a_silence_that_is_none_is_not_ended(world):
    with pytest.raises(CommandError, match="Silence 5 has ended already"):
        spotter("silence", "end", "5")


def test_the_status_says_what_needs_a_resolution(world):
    assert "1 incidents need a resolution: 1" in spotter("status")[1]
    with world.book.writing() as page:
        fields = {"incident": "1", "cause": "x", "done": "y"}
        respond(page, "resolution", fields, "user 7", world.now)
    assert "no incident needs a resolution" in spotter("status")[1]
