"""`spotter logs show`, `stats` and `clean`."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError

from tests.logs_reading.conftest import API


def test_show_gives_all_that_a_request_wrote_in_order(logs):
    code, printed = logs.run("show", "req-3")
    assert code == 0
    assert [line.split(": ")[0] for line in printed[:2]] == ["api.log", "app.log"]
    assert printed[-1] == "\tLookupError: no such client"


def test_show_finds_a_request_by_its_trace(logs):
    line = '{"time":"2026-11-24T03:00:00Z","request_id":"r","trace_id":"abc"}\n'
    logs.write("trace.log", line)
    assert logs.run("show", "abc")[0] == 0


def test_show_finds_the_part_of_a_torn_line(logs):
    logs.write("torn.log", '{"request_id":"torn-1","mess\n')
    assert logs.run("show", "torn-1")[0] == 0


def test_show_of_an_unknown_request_exits_with_1(logs):
    assert logs.run("show", "req-99") == (1, [])


def test_show_of_nothing_is_told(logs):
    with pytest.raises(CommandError, match="request id is empty"):
        logs.run("show", " ")


def test_stats_count_lines_levels_and_times(logs):
    _, printed = logs.run("stats", "--json")
    api, app = map(json.loads, printed)
    assert (api["lines"], api["archives"]) == (3, 2)
    assert api["levels"] == {"INFO": 2, "WARNING": 1}
    assert (api["oldest_at"][11:16], api["newest_at"][11:16]) == ("03:01", "03:03")
    assert app["lines"] == 6
    assert app["size_bytes"] == (logs.home / "app.log").stat().st_size


def test_stats_tell_what_was_lost(logs):
    logs.write("full.log", "2026-11-24 03:00:00Z ERROR spotter lost_lines=7\n")
    _, printed = logs.run("stats", "--file", "full", "--json")
    assert json.loads(printed[0])["lost_lines"] == 7


def test_stats_are_a_table_for_people(logs):
    _, printed = logs.run("stats")
    assert printed[0].split() == [
        *("log", "size", "archives", "lines", "lost", "from", "to", "levels")
    ]
    assert len(printed) == 3


@pytest.fixture
def aged(logs):
    """Archives just under, and just over, thirty days old."""
    logs.write("api.log.1", API % (1, "INFO", 1, 1, 1), age_days=29.99)
    logs.write("api.log.2.gz", API % (1, "INFO", 1, 1, 1), age_days=30.01)
    logs.write("app.log", "quiet\n", age_days=400)
    logs.write("api.log.lock", "", age_days=400)
    logs.write("notes.txt", "", age_days=400)
    return logs


def names(logs):
    return {path.name for path in logs.home.iterdir()}


def test_clean_shows_what_it_would_delete_and_deletes_nothing(aged):
    before = names(aged)
    _, printed = aged.run("clean", "--older-than", "30d")
    assert printed[0].endswith("api.log.2.gz")
    assert printed[-1].startswith("Nothing was deleted")
    assert names(aged) == before


def test_clean_deletes_old_archives_and_nothing_else(aged):
    before = names(aged)
    aged.run("clean", "--older-than", "30d", "--yes")
    assert before - names(aged) == {"api.log.2.gz"}


@pytest.mark.parametrize(("answer", "deleted"), [("y", 1), ("n", 0), ("", 0)])
def test_clean_asks_whoever_is_there(aged, monkeypatch, answer, deleted):
    before = names(aged)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    aged.run("clean", "--older-than", "30d")
    assert len(before - names(aged)) == deleted


def test_clean_leaves_a_symbolic_link(aged, tmp_path):
    target = aged.write("precious", "x", age_days=400)
    (aged.home / "api.log.3").symlink_to(target)
    aged.run("clean", "--older-than", "30d", "--yes")
    assert target.exists()
    assert (aged.home / "api.log.3").is_symlink()


def test_clean_with_nothing_old_exits_with_1(logs):
    assert logs.run("clean", "--older-than", "30d")[0] == 1
