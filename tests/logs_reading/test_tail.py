"""`spotter logs tail` follows a log through whatever happens to its file."""

from __future__ import annotations

import os

import pytest

from spotter.logs.reading.files import find_logs
from spotter.logs.reading.follow import Follower, follow


@pytest.fixture
def follower(log):
    follower = Follower(log)
    yield follower
    follower.close()


def line(number):
    return f"2026-11-24 03:00:{number:02d}.000Z INFO app line {number}\n"


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "app.log"
    path.write_text(line(0))
    return path


def add(path, *numbers):
    with path.open("a") as file:
        file.writelines(line(number) for number in numbers)


def numbers(entries):
    return [int(entry.text.split()[-1]) for entry in entries]


def test_tail_prints_the_last_entries_in_order(logs):
    _, printed = logs.run("tail", "-n", "2")
    assert [line.split(": ")[0] for line in printed[:2]] == ["api.log", "app.log"]
    assert len(printed) == 5  # the second has a stack


def test_tail_of_one_log_has_no_file_names(logs):
    _, printed = logs.run("tail", "api.log", "-n", "1")
    assert printed[0].startswith("2026-11-24 03:03:00.000Z WARNING")


def test_only_what_is_added_is_followed(log, follower):
    assert numbers(follower.read()) == []
    add(log, 1, 2)
    assert numbers(follower.read()) == [1, 2]
    assert numbers(follower.read()) == []


def test_half_a_line_waits_for_the_rest(log, follower):
    with log.open("a") as file:
        file.write(line(1)[:20])
    assert numbers(follower.read()) == []
    with log.open("a") as file:
        file.write(line(1)[20:])
    assert numbers(follower.read()) == [1]


def test_a_rotation_is_followed_to_the_last_line_and_on(log, follower):
    with log.open("a") as slow:
        log.rename(log.with_name("app.log.1"))
        slow.write(line(1))
    add(log, 2)
    assert numbers(follower.read()) == [1, 2]
    add(log, 3)
    assert numbers(follower.read()) == [3]


def test_what_was_rotated_twice_between_two_looks_is_read(log, follower):
    add(log, 1)
    log.rename(log.with_name("app.log.2"))
    add(log, 2)
    log.rename(log.with_name("app.log.1"))
    add(log, 3)
    assert numbers(follower.read()) == [1, 2, 3]


def test_a_file_that_is_gone_is_waited_for(log, follower):
    log.unlink()
    assert numbers(follower.read()) == []
    add(log, 1)
    assert numbers(follower.read()) == [1]


def test_a_truncated_file_is_read_from_its_start(log, follower):
    os.truncate(log, 0)
    assert numbers(follower.read()) == []
    add(log, 1)
    assert numbers(follower.read()) == [1]


def test_a_log_that_comes_later_is_followed_from_its_start(log):
    class Enough(Exception):  # noqa: N818 (it ends the test)
        pass

    looks = iter([lambda: add(log.with_name("new.log"), 5), None])

    def wait():
        look = next(looks)
        if look is None:
            raise Enough
        look()

    def find():
        return find_logs(log.parent)

    entries = follow(find, wait, find())
    assert next(entries).text.endswith("line 5")
    with pytest.raises(Enough):
        next(entries)


def test_following_goes_on_until_interrupted(logs, monkeypatch):
    looks = []

    def interrupt_the_second(seconds):
        looks.append(seconds)
        if len(looks) > 1:
            raise KeyboardInterrupt
        add(logs.home / "app.log", 9)

    monkeypatch.setattr("time.sleep", interrupt_the_second)
    code, printed = logs.run("tail", "-f", "-n", "1", "app.log")
    assert code == 0
    assert printed[-1].endswith("line 9")
