"""The file handler: several writers, rotation, and every way a file can go away."""

from __future__ import annotations

import gzip
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from spotter.logs import archives, files, lost_lines
from spotter.logs.files import LOOK_LINES, RotatingFile
from spotter.recorders import lost_lines as lost_lines_recorder
from tests.logs.writers import (
    files_of,
    fork,
    found,
    handler,
    lines_of,
    record,
    write,
    write_at_once,
)
from tests.servers.processes import program, wait_until


@pytest.fixture
def path(tmp_path):
    return tmp_path / "logs" / "a.log"


@pytest.mark.parametrize("processes", [1, 2, 4, 8])
def test_no_line_is_lost_or_torn_when_processes_rotate_one_file(path, processes):
    write_at_once(path, processes, 5600, 200_000, 5)
    assert found(path) == (5600, 0)


def test_no_line_is_lost_when_nothing_falls_off(path):
    write_at_once(path, 4, 8000, 100_000, 100_000)
    assert found(path) == (8000, 0)


@pytest.mark.parametrize(("size", "files"), [(199, 1), (200, 1), (201, 2)])
def test_rotates_when_the_line_would_pass_the_limit(path, size, files):
    one = handler(path, 400)
    one.handle(record("x" * 199))
    one.handle(record("x" * (size - 1)))
    assert len(files_of(path)) == files


def test_keeps_so_many_archives(path):
    one = handler(path, 300, backups=3)
    write(one, 0, 10, 200)
    wait_until(lambda: len(archives.stamps_of(path)) == 3, 5, "retention")
    wait_until(no_compression, 5, "end of compression")
    assert sorted(line[:3] for line in lines_of(path)) == ["0-6", "0-7", "0-8", "0-9"]


def no_compression() -> bool:
    return all(thread.name != "spotter-archive" for thread in threading.enumerate())


def test_a_clock_put_back_does_not_make_the_newest_archive_the_oldest():
    assert archives.next_stamp(["29991231T235959.000000Z"]) > "29991231T235959.000000Z"


def rotated(path: Path, times: int = 3) -> None:
    one = handler(path, 300)
    write(one, 0, times, 200)
    one.close()


def test_archives_but_the_newest_are_compressed_with_their_age(path):
    path.parent.mkdir()
    old = archives.plain(path, "20200101T000000.000000Z")
    old.write_text("old\n")
    os.utime(old, (1000, 1000))
    archives.plain(path, "20200102T000000.000000Z").write_text("new\n")
    archives.compress_all(path)
    made = archives.packed(path, "20200101T000000.000000Z")
    assert (gzip.decompress(made.read_bytes()), made.stat().st_mtime) == (
        b"old\n",
        1000,
    )
    assert len(files_of(path)) == 2


def test_an_archive_that_is_still_open_somewhere_is_not_compressed(path):
    slow = handler(path)
    slow.handle(record("before"))
    archives.move_away(path, 5)
    stamp = archives.stamps_of(path)[0]
    with pytest.raises(BlockingIOError):
        archives.compress(path, stamp)
    slow.close()
    archives.compress(path, stamp)
    assert list(lines_of(path)) == ["before"]


def test_a_late_line_goes_to_the_archive_or_anew_when_that_is_deleted(
    path, monkeypatch
):
    slow = handler(path)
    slow.handle(record("before"))
    stale, current = slow.current(1), slow.current
    archives.move_away(path, 5)
    archives.plain(path, archives.stamps_of(path)[0]).unlink()
    slow._look_at = 0.0  # the next line looks the name up
    answers = iter([lambda size: stale])
    monkeypatch.setattr(slow, "current", lambda n: next(answers, current)(n))
    slow.handle(record("late"))
    slow.look()
    assert list(lines_of(path)) == ["late"]


@pytest.mark.parametrize("directory", ["logs", "link"])
def test_a_late_line_is_left_in_an_archive_of_our_own(path, directory):
    path.parent.mkdir()
    path.parent.with_name("link").symlink_to(path.parent)
    slow = handler(path.parent.with_name(directory) / path.name)
    slow.handle(record("before"))
    slow._look_at = float("inf")  # no look before the line
    archives.move_away(path, 5)
    slow.handle(record("late"))
    slow.look()
    slow.handle(record("after"))
    archive = archives.plain(path, archives.stamps_of(path)[0])
    assert archive.read_text() == "before\nlate\n"
    assert path.read_text() == "after\n"


@pytest.mark.parametrize("look", ["look", "close", "a line", "a reading"])
def test_late_lines_are_written_again_when_others_moved_the_file(path, look):
    one = handler(path)
    write(one, 0, 1, 200)
    one.look()
    one._look_at = float("inf")  # no look before the line
    path.rename(f"{path}.1")
    write(one, 1, 2, 200)
    assert not path.exists()
    if look == "a line":
        one._look_at = 0.0
        write(one, 2, 1, 200)
    elif look == "a reading":
        lost_lines_recorder.read()
    else:
        getattr(one, look)()
    assert path.stat().st_size == (600 if look == "a line" else 400)
    assert path.read_text().startswith("1-0 ")


@pytest.mark.parametrize(("lines", "is_seen"), [(63, False), (64, False), (65, True)])
def test_the_name_is_looked_up_after_so_many_lines(path, lines, is_seen):
    one = handler(path)
    one._look_at = float("inf")
    one.open()
    path.rename(f"{path}.1")
    write(one, 0, lines, 200)
    assert path.exists() is is_seen
    one.close()
    assert found(path) == (lines, min(lines, LOOK_LINES))


def test_lines_that_cannot_be_written_again_yet_are_later(path):
    one = handler(path)
    write(one, 0, 2, 200)
    path.rename(f"{path}.1")
    path.mkdir()
    one.look()
    path.rmdir()
    one.look()
    assert path.stat().st_size == 400
    assert one.lost == 0


def test_a_child_writes_nothing_of_its_parents_again(path):
    one = handler(path)
    write(one, 0, 1, 200)
    path.rename(f"{path}.1")
    child = fork.Process(target=one.close)
    child.start()
    child.join()
    assert not path.exists()


def test_a_pipe_is_no_file_that_has_a_size(path):
    path.parent.mkdir()
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    one = handler(path)
    write(one, 0, 1, 200)
    assert len(os.read(reader, 1000)) == 200
    assert one.lost == 0
    os.close(reader)
    one.close()


def test_a_line_after_a_moment_finds_the_new_file_and_is_written_once(path):
    one = handler(path)
    write(one, 0, 1, 200)
    one.look()
    one._look_at = 0.0
    path.rename(f"{path}.1")
    write(one, 1, 1, 200)
    assert found(path) == (2, 0)


def rotate_from_outside(path: Path, number: int) -> int:
    """As logrotate does it with `compress`: rename, read to the end, delete."""
    away = path.with_name(f"{path.name}.{number}")
    try:
        path.rename(away)
    except FileNotFoundError:
        return 0
    with gzip.open(f"{away}.gz", "wb") as packed:
        packed.write(away.read_bytes())
    away.unlink()
    return 1


class Overtaken(RotatingFile):
    """Its file is moved away and read whenever it begins to write lines again."""

    def __init__(self, path, times):
        super().__init__(path)
        self.times = times

        self.is_due = False

    def anew(self):
        self.is_due = self.times > 0
        try:
            return super().anew()
        finally:
            self.is_due = False

    def append(self, fd, line):
        if self.is_due:
            self.is_due = False
            self.times -= 1
            rotate_from_outside(self.path, self.times)
        super().append(fd, line)


@pytest.mark.parametrize("lines", [1, LOOK_LINES - 1, LOOK_LINES])
@pytest.mark.parametrize("times", [1, 3])
def test_the_last_lines_are_not_written_to_where_nobody_reads(path, lines, times):
    one = Overtaken(path, times)
    one._look_at = float("inf")
    one.open()
    rotate_from_outside(path, 9)
    write(one, 0, lines, 200)
    one.close()
    assert found(path)[0] == lines
    assert one.times == 0


@pytest.mark.parametrize("times", [1, 3])
def test_lines_are_kept_until_they_are_seen_however_often_it_is_moved(path, times):
    one = Overtaken(path, times)
    one._look_at = float("inf")
    one.open()
    rotate_from_outside(path, 9)
    write(one, 0, 3 * LOOK_LINES, 200)
    one.close()
    assert found(path)[0] == 3 * LOOK_LINES
    assert one.times == 0


def test_what_is_moved_away_without_end_is_counted(path, monkeypatch, capsys):
    monkeypatch.setattr(files, "MAX_UNSEEN", LOOK_LINES + 2)
    monkeypatch.setattr(files, "LAST_LOOKS", 1)
    one = Overtaken(path, 1000)
    one._look_at = float("inf")
    one.open()
    rotate_from_outside(path, 1001)
    write(one, 0, LOOK_LINES + 5, 200)
    assert one.lost > 0
    one.close()
    assert "moved away faster" in capsys.readouterr().err


def test_a_name_that_cannot_be_looked_up_loses_no_line(path, monkeypatch):
    monkeypatch.setattr(files, "MAX_UNSEEN", LOOK_LINES + 2)
    one = handler(path)
    one.open()
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", lambda name: os.readlink(str(path)))
        write(one, 0, 3 * LOOK_LINES, 200)
    assert one.lost == 0
    one.close()
    assert found(path) == (3 * LOOK_LINES, 0)


def test_no_line_is_lost_when_others_rotate_and_compress_at_once(path):
    def work(writer: int) -> None:
        one = handler(path)
        write(one, writer, 5000, 200)
        one.close()

    workers = [fork.Process(target=work, args=(n,)) for n in range(3)]
    for worker in workers:
        worker.start()
    rotations = 0
    while any(worker.is_alive() for worker in workers):
        rotations += rotate_from_outside(path, rotations)
    lines, again = found(path)
    assert lines == 15_000
    assert again <= 3 * rotations * LOOK_LINES


def test_a_file_is_looked_up_by_its_name_again_after_a_moment(path):
    one = handler(path)
    write(one, 0, 1, 200)
    path.rename(path.with_suffix(".away"))

    def is_made_anew() -> bool:
        write(one, 1, 1, 200)
        return bool(path.exists())

    wait_until(is_made_anew, 5, "a new file")


def test_what_a_killed_compression_left_is_cleaned_and_done_again(path):
    rotated(path)
    orphan = archives.unfinished(path, "20200101T000000.000000Z")
    orphan.write_text("half")
    archives.compress_all(path)
    assert not orphan.exists()


def test_a_stopped_process_delays_nobody(path):
    def work() -> None:
        one = handler(path, 2000)
        while True:
            write(one, 1, 1, 200)

    worker = fork.Process(target=work)
    worker.start()
    wait_until(path.exists, 5, "first line")
    assert worker.pid
    os.kill(worker.pid, signal.SIGSTOP)
    other = fork.Process(target=lambda: write(handler(path, 2000, 99), 2, 500, 200))
    other.start()
    other.join(10)
    code = other.exitcode
    worker.kill()
    worker.join()
    assert code == 0


def test_a_stopped_process_that_holds_the_rotation_lock_delays_nobody(path):
    from spotter.logs.files import lock

    path.parent.mkdir()
    one = handler(path, 300)
    with lock(path.with_name(".a.lock")):
        write(one, 0, 10, 200)
    assert found(path) == (10, 0)
    assert len(files_of(path)) == 1


def test_a_killed_process_loses_nothing_that_was_logged(path):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        write(handler(path), 0, 1000, 200)
        os.write(writer, b"x")
        time.sleep(60)
        os._exit(0)
    os.read(reader, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert found(path) == (1000, 0)


def test_a_handler_opened_before_fork_works_in_all_children(path):
    one = handler(path, 20_000)
    write(one, 9, 1, 200)
    workers = [fork.Process(target=write, args=(one, n, 100, 200)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found(path) == (401, 0)


@pytest.mark.parametrize("how", ["create", "copytruncate"])
def test_logrotate_may_rotate_instead(path, tmp_path, how):
    one = handler(path)
    write(one, 0, 5, 200)
    one.look()
    rules = tmp_path / "rules"
    rules.write_text(f"{path} {{\n su root root\n rotate 3\n {how}\n}}\n")
    rules.chmod(0o644)
    path.parent.chmod(0o755)
    state = str(tmp_path / "state")
    command = [program("logrotate"), "-f", "-s", state, str(rules)]
    subprocess.run(command, check=True, capture_output=True)
    one._look_at = 0.0  # logrotate may have taken less than that
    write(one, 1, 5, 200)
    assert found(path) == (10, 0)
    assert path.stat().st_size == 1000


def test_a_deleted_directory_is_made_again(path):
    one = handler(path)
    write(one, 0, 1, 200)
    one.look()
    subprocess.run(["rm", "-r", str(path.parent)], check=True)
    one._look_at = 0.0  # rm may have taken less than that
    write(one, 1, 1, 200)
    assert found(path) == (1, 0)


def test_an_unusable_directory_costs_lines_and_says_so_once(path, capsys):
    path.parent.write_text("a file, where the directory should be")
    one = handler(path)
    write(one, 0, 3, 200)
    assert lost_lines()[str(path)] == 3
    assert capsys.readouterr().err.count("log lines are being lost") == 1


def test_writing_resumes_and_tells_how_many_are_missing(path):
    path.parent.write_text("in the way")
    one = handler(path)
    write(one, 0, 3, 200)
    path.parent.unlink()
    write(one, 1, 1, 200)
    told, line = lines_of(path)
    assert told.startswith("3 lines of this process were lost here")
    assert line.startswith("1-0 ")


READ_ONLY = """
import os, sys, pathlib
from tests.logs.writers import handler, write
path = pathlib.Path(sys.argv[1])
one = handler(path, 300)
write(one, 0, 1, 200)
path.parent.chmod(0o555)
os.setuid(65534)
write(one, 1, 5, 200)
print(one.lost)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="changes its user: needs root")
def test_a_read_only_directory_stops_rotation_but_no_line():
    # Not below tmp_path, which only its owner may enter.
    home = Path(tempfile.mkdtemp())
    home.chmod(0o755)
    path = home / "logs" / "a.log"
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    result = found(path)
    shutil.rmtree(home)
    assert (result, done.stdout) == ((6, 0), "0\n")
    assert done.stderr.count("cannot rotate") == 1


def test_a_line_written_in_part_leaves_no_torn_line(path):
    def work() -> None:
        one = handler(path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 5000))
        write(one, 0, 4, 200)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        write(one, 1, 1, 200)
        os._exit(one.lost)

    worker = fork.Process(target=work)
    worker.start()
    worker.join()
    lines = [line.strip()[:4] for line in lines_of(path)]
    assert (worker.exitcode, lines) == (2, ["0-0 ", "0-1 ", "", "2 li", "1-0 "])


@pytest.fixture
def small_disk(tmp_path):
    mounted = tmp_path / "disk"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root and its capabilities")
    yield mounted
    subprocess.run(["umount", "-l", str(mounted)], check=True)


def test_a_full_disk_costs_lines_and_writing_resumes(small_disk, capsys):
    path = small_disk / "a.log"
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 40_000)
    one = handler(path)
    write(one, 0, 500, 200)
    assert one.lost > 0
    filler.unlink()
    write(one, 1, 1, 200)
    lines = [line for line in lines_of(path) if line.strip()]
    assert len(lines) == 500 - one.lost + 2
    assert capsys.readouterr().err.count("log lines are being lost") == 1
