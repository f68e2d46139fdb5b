"""The line of a request: the same whether a record is made for it or not."""

from __future__ import annotations

import logging
import os
import re
from typing import Any

import orjson
import pytest
from django.test import RequestFactory

from spotter.context import DRAWN_IDS, leave, new_id
from spotter.logs.files import RotatingFile
from spotter.logs.formats import Json, Text
from spotter.recorders import api_log
from spotter.recorders.requests import Measured


class Refusing(logging.Filter):
    """A project's own filter."""

    def filter(self, record: logging.LogRecord) -> bool:
        return False


class Renamed(logging.LogRecord):
    """What a project or its tracing makes of a record."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.span_id = "abc"


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Write `api.log` as `logs.config` sets it up; nobody else listens in."""
    # Sentry does, once another test has started it, and never stops.
    monkeypatch.setattr(logging.Logger, "callHandlers", api_log.UNTOUCHED)
    handler = RotatingFile(tmp_path / "api.log")
    handler.setFormatter(Json())
    logger = api_log.logger
    was = logger.handlers, logger.propagate, logger.level
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    yield handler
    handler.close()
    logger.handlers, logger.propagate = was[0], was[1]
    logger.setLevel(was[2])


def write(file: Any, *others: logging.Handler, path="/a/", status=200):
    """Write one; pytest adds its own handlers to whatever does not propagate."""
    parent = f"00-{'1' * 32}-{'2' * 16}-01"
    measured = Measured(RequestFactory().get(path, HTTP_TRACEPARENT=parent))
    leave(measured.token)
    api_log.logger.handlers = [file, *others]
    measured.status, measured.seconds, measured.response_bytes = status, 0.0012, 34
    api_log.write(measured, measured.context.let_go())


def lines(file: Any) -> list[dict[str, Any]]:
    if not file.path.exists():
        return []
    return [orjson.loads(line) for line in file.path.read_bytes().splitlines()]


@pytest.mark.parametrize("status", [200, 499, 500])
@pytest.mark.parametrize("path", ["/a/", "/%ED%A0%80/", "/mail/a@example.com/", "/é/"])
def test_the_line_is_the_same_with_a_record_and_without(
    file, monkeypatch, path, status
):
    write(file, path=path, status=status)
    assert api_log.only_file(logging.INFO) == file
    monkeypatch.setattr(api_log, "only_file", lambda level: None)
    write(file, path=path, status=status)
    direct, recorded = lines(file)
    direct["time"] = recorded["time"]
    assert list(direct.items()) == list(recorded.items())


def test_a_filter_of_the_handler_decides(file):
    file.addFilter(Refusing())
    write(file)
    assert lines(file) == []


def test_a_filter_of_the_logger_decides(file):
    refusing = Refusing()
    api_log.logger.addFilter(refusing)
    try:
        write(file)
    finally:
        api_log.logger.removeFilter(refusing)
    assert lines(file) == []


@pytest.mark.parametrize(("level", "written"), [(20, 1), (21, 0)])
def test_the_level_of_the_handler_decides(file, level, written):
    file.setLevel(level)
    write(file)
    assert len(lines(file)) == written


def test_another_formatter_is_used(file):
    file.setFormatter(Text())
    write(file)
    assert "spotter.api: GET /a/ 200 process=" in file.path.read_text()


def test_another_handler_gets_its_record(file, caplog):
    write(file, caplog.handler)
    assert len(lines(file)) == 1
    assert caplog.messages == ["GET /a/ 200"]


def test_a_records_factory_is_asked(file):
    logging.setLogRecordFactory(Renamed)
    try:
        write(file)
    finally:
        logging.setLogRecordFactory(logging.LogRecord)
    assert lines(file)[0]["span_id"] == "abc"


def test_who_listens_in_on_all_loggers_hears_of_it(file, monkeypatch):
    heard = []
    monkeypatch.setattr(
        logging.Logger, "callHandlers", lambda self, record: heard.append(record)
    )
    write(file)
    assert [record.getMessage() for record in heard] == ["GET /a/ 200"]


def test_a_line_that_cannot_be_written_is_counted(file):
    file.path.mkdir()
    write(file)
    assert file.lost == 1


def test_a_forked_child_names_itself_and_makes_ids_of_its_own(file, tmp_path):
    write(file)  # In a parent that has written, and has drawn ids.
    assert new_id()
    child = os.fork()
    if child == 0:
        write(file)
        ids = [new_id() for _ in range(2 * DRAWN_IDS)]
        (tmp_path / "ids").write_text("\n".join(ids))
        os._exit(0)
    os.waitpid(child, 0)
    assert [line["process"] for line in lines(file)] == [os.getpid(), child]
    mine = {new_id() for _ in range(2 * DRAWN_IDS)}
    theirs = set((tmp_path / "ids").read_text().split())
    assert (len(mine), len(theirs)) == (2 * DRAWN_IDS, 2 * DRAWN_IDS)
    assert not mine & theirs
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in mine | theirs)
