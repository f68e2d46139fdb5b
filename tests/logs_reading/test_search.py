"""`spotter logs search` finds what matches, newest first, in every kind of file."""

from __future__ import annotations

import datetime
import io

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from spotter.logs.reading import pieces
from spotter.logs.reading.search import Query, search_file
from tests.logs_reading.conftest import API


def heads(printed):
    """The lines that begin an entry, as file and minute."""
    found = []
    for line in printed:
        file, _, rest = line.partition(": ")
        if file.endswith(".log") or ".log." in file:
            found.append((file, rest[11:16]))
    return found


def test_all_entries_come_newest_first_across_files_and_archives(logs):
    code, printed = logs.run("search")
    assert code == 0
    assert heads(printed) == [
        ("app.log", "03:03"),
        ("api.log", "03:03"),
        ("app.log", "03:02"),
        ("api.log.1", "03:02"),
        ("app.log", "03:01"),
        ("api.log.2.gz", "03:01"),
    ]


def test_an_archive_that_lies_there_twice_is_read_once(logs):
    logs.write("api.log.2", API % (1, "INFO", 200, 200, 1))
    _, printed = logs.run("search", "--file", "api.log", "--request-id", "req-1")
    assert sum("GET /api/ 200" in line for line in printed) == 1


@pytest.mark.parametrize(
    ("filters", "minutes"),
    [
        (["--level", "ERROR"], ["03:03"]),
        (["--level", "warning"], ["03:03", "03:03", "03:02"]),
        (["--logger", "trainers"], ["03:02", "03:01"]),
        (["--logger", "trainers.pay"], ["03:02"]),
        (["--logger", "train"], []),
        (["--request-id", "req-2"], ["03:02", "03:02"]),
        (["--request-id", "req-"], []),
        (["--field", "status=404"], ["03:02"]),
        (["--field", "plan=gold", "--field", "n=3"], ["03:01"]),
        (["--field", "status=40"], []),
        (["no such client"], ["03:03"]),
        (["No Such Client"], []),
        (["--regex", "line [0-9], in"], ["03:03"]),
        (["--from", "2026-11-24 03:02", "--to", "2026-11-24 03:03"], ["03:02"] * 2),
        (["--from", "2026-11-24 03:03:30"], ["03:03"]),
        (["--to", "2026-11-24 03:01:00"], []),
        (["--to", "2026-11-24 03:01:00.001"], ["03:01"]),
        (["--from", "2026-11-24 04:03:00+01:00"], ["03:03", "03:03"]),
        (["--file", "api"], ["03:03", "03:02", "03:01"]),
        (["--limit", "1"], ["03:03"]),
        (["--since", "10m"], []),
    ],
)
def test_a_filter_leaves_what_it_says(logs, filters, minutes):
    code, printed = logs.run("search", "--json", *filters)
    assert code == (0 if minutes else 1)
    found = [line.split("2026-11-24T")[1][:5] for line in printed]
    assert found == minutes


def test_a_stack_trace_belongs_to_its_entry(logs):
    _, printed = logs.run("search", "Failed to save", "--file", "app.log")
    assert printed == [
        "2026-11-24 03:03:30.000Z ERROR clients [42] [request_id=req-3] Failed to save",
        "\tTraceback (most recent call last):",
        '\t  File "views.py", line 7, in save',
        "\tLookupError: no such client",
    ]


def test_a_json_entry_reads_like_a_line(logs):
    _, printed = logs.run("search", "--file", "api.log", "--field", "status=500")
    assert printed == [
        "2026-11-24 03:03:00.000Z WARNING spotter.api [req-3] GET /api/ 500 status=500"
    ]


def test_what_was_logged_cannot_drive_the_terminal(logs):
    logs.write("bad.log", '{"level":"INFO","message":"a\\n2026 \\u001b[2J\\u009b"}\n')
    logs.write("raw.log", "2026-11-24 03:00:00.000Z INFO x \x1b[2J\x07\n")
    _, printed = logs.run("search", "--file", "bad", "--file", "raw")
    assert len(printed) == 2
    assert not any(c in "".join(printed) for c in "\x1b\x07\x9b")


@pytest.mark.parametrize(
    "torn",
    ['{"time":"2026-11-24T03:', "no time at all", "\xff\xfe", "{", "{}", "[1]", "\x00"],
)
def test_a_torn_or_foreign_line_is_kept_as_text(logs, torn):
    logs.write("torn.log", torn + " needle\n")
    code, printed = logs.run("search", "needle", "--file", "torn")
    assert (code, len(printed)) == (0, 1)


def test_a_torn_archive_gives_what_it_has(logs):
    whole = logs.write(
        "torn.log.1.gz", "".join(API % (1, "INFO", 1, 1, n) for n in range(999))
    )
    whole.write_bytes(whole.read_bytes()[:-20])
    code, printed = logs.run("search", "--file", "torn", "--request-id", "req-1")
    assert (code, len(printed)) == (0, 1)


def test_a_file_that_is_not_gzip_is_passed_over(logs):
    logs.write("odd.log", "2026-11-24 03:00:00.000Z INFO x needle\n")
    (logs.home / "odd.log.1.gz").write_bytes(b"not gzip")
    assert logs.run("search", "needle", "--file", "odd")[0] == 0


def numbered(count, start=0):
    """One line for each second."""
    begin = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)
    lines = []
    for number in range(start, start + count):
        at = begin + datetime.timedelta(seconds=number)
        lines.append(f"{at:%Y-%m-%d %H:%M:%S}.000Z INFO app n={number} {'x' * 60}\n")
        if number % 7 == 0:
            lines.append("\tand more\n")
    return "".join(lines)


@pytest.mark.parametrize("name", ["big.log", "big.log.1.gz"])
@pytest.mark.parametrize("piece_bytes", [64, 1000, 1 << 20])
def test_pieces_of_any_size_lose_nothing(logs, monkeypatch, name, piece_bytes):
    monkeypatch.setattr(pieces, "PIECE_BYTES", piece_bytes)
    path = logs.write(name, numbered(300))
    found = list(search_file(path, Query()))
    assert "".join(entry.raw.decode() for entry in reversed(found)) == numbered(300)
    assert [entry.field("n") for entry in found] == [str(n) for n in range(299, -1, -1)]


@pytest.mark.parametrize("name", ["big.log", "big.log.1.gz"])
@pytest.mark.parametrize("piece_bytes", [64, 1000, 1 << 20])
def test_a_needle_is_found_in_pieces_of_any_size(logs, monkeypatch, name, piece_bytes):
    monkeypatch.setattr(pieces, "PIECE_BYTES", piece_bytes)
    path = logs.write(name, numbered(300))
    found = list(search_file(path, Query(text="and more")))
    assert len(found) == 43
    assert found[0].field("n") == "294"


def test_the_last_minute_of_a_large_file_is_read_alone(logs, monkeypatch):
    path = logs.write("big.log", numbered(60_000))
    read = []
    monkeypatch.setattr(pieces, "PIECE_BYTES", 64_000)
    original = pieces.newest_pieces

    def watched(*args):
        for piece in original(*args):
            read.append(len(piece))
            yield piece

    monkeypatch.setattr("spotter.logs.reading.search.newest_pieces", watched)
    end = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)
    since = end + datetime.timedelta(seconds=60_000 - 60)
    assert len(list(search_file(path, Query(since=since)))) == 60
    assert sum(read) < path.stat().st_size / 20


def test_an_archive_older_than_the_range_is_not_opened(logs, monkeypatch):
    logs.write("old.log.1.gz", numbered(10), age_days=2)
    monkeypatch.setattr("spotter.logs.reading.search.open_stream", None)
    assert logs.run("search", "--file", "old", "--since", "1d")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--level", "LOUD"], "'LOUD' is not a level"),
        (["--regex", "("], "is not a regular expression"),
        (["--since", "ten"], "is not a duration"),
        (["--since", "99999999999w"], "longer than time itself"),
        (["--from", "yesterday"], "is not a time"),
        (["--since", "1h", "--from", "03:00"], "give one of them"),
        (["--from", "04:00", "--to", "03:00"], "must be later"),
        (["--field", "status"], "lacks a value"),
        (["--limit", "0"], "whole number above 0"),
        (["--file", "nothing"], "There is no nothing.log in .* There is: api.log"),
    ],
)
def test_a_bad_argument_is_told_with_what_to_do(logs, arguments, message):
    with pytest.raises(CommandError, match=message):
        logs.run("search", *arguments)


def test_a_missing_directory_is_told():
    with pytest.raises(CommandError, match=r"cannot be read .*--directory") as refused:
        call_command("spotter", "logs", "search", "--directory", "/nowhere/at/all")
    assert refused.value.returncode == 2


def test_a_directory_without_logs_is_told(tmp_path):
    with pytest.raises(CommandError, match="nothing has logged yet"):
        call_command("spotter", "logs", "search", "--directory", str(tmp_path))


def test_the_directory_is_known_from_the_settings(logs):
    handlers = {"app": {"class": "x", "filename": str(logs.home / "app.log")}}
    out = io.StringIO()
    with override_settings(LOGGING={"version": 1, "handlers": handlers}):
        call_command("spotter", "logs", "search", "plan=gold", stdout=out)
    assert "plan=gold" in out.getvalue()


@override_settings(LOGGING={})
def test_settings_that_name_no_file_are_told():
    with pytest.raises(CommandError, match="no handler with a filename"):
        call_command("spotter", "logs", "search")
