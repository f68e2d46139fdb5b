"""What a line says, and that nothing that is logged can break or forge one."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotter import context, privacy
from spotter.logs.formats import CLEAN, MAX_LINE, Json, Text

pytestmark = pytest.mark.long

HEAD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z \S+ \S+: ")
anything = st.recursive(
    st.none()
    | st.floats()
    | st.integers()
    | st.binary()
    | st.text(st.characters(), max_size=30)
    | st.datetimes()
    | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def record(message: object = "hello", *args: object, **extra: object):
    made = logging.LogRecord("app.x", 20, "f.py", 1, message, args, None)
    made.__dict__.update(extra)
    return made


def parsed(made: logging.LogRecord) -> Any:
    line = Json().format(made)
    assert "\n" not in line
    return orjson.loads(line)


def test_text_has_time_level_logger_and_process():
    made = record("hello %s", "you")
    made.created = 1705314153.1234
    expected = f"2024-01-15 10:22:33.123Z INFO app.x: hello you process={made.process}"
    assert Text().format(made) == expected


@pytest.mark.parametrize("formatter", [Text(), Json()])
def test_a_line_has_the_identity_of_its_request(formatter):
    who = context.Context(request_id="r-1", trace_id="t-1", user_id="7", route="/a/")
    token = context.enter(who)
    line = formatter.format(record())
    context.leave(token)
    assert all(part in line for part in ("r-1", "t-1", "user_id", "7", "/a/"))


def test_extra_fields_come_through_in_both():
    made = record(booking_id=7, place="two words", level="x")
    assert 'booking_id=7 place="two words" level_=x' in Text().format(made)
    fields = parsed(made)
    assert (fields["booking_id"], fields["level"], fields["level_"]) == (7, "INFO", "x")


def failed(error: BaseException):
    made = record("it failed")
    try:
        raise error
    except type(error):
        made.exc_info = sys.exc_info()
    return made


def test_an_exception_keeps_its_stack_and_cannot_forge_a_line():
    made = failed(ValueError("x\r\n2026-01-01 00:00:00.000Z ERROR root: forged\x1b[2J"))
    first, *rest = Text().format(made).split("\n")
    assert HEAD.match(first)
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in "".join(rest)
    assert "Traceback" in parsed(made)["stack"]


def test_a_bad_log_call_is_not_lost():
    assert "%d apples [bad log call: TypeError" in Text().format(
        record("%d apples", "x")
    )


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud800", Hostile(), b"\xff", 2**70, {1: {2}}]
)
def test_json_is_valid_whatever_the_value(value):
    assert "value" in parsed(record("m", value=value))


def test_a_cycle_ends():
    cycle: list[object] = []
    cycle.append(cycle)
    assert "too deep" in Json().format(record(value=cycle))


@pytest.mark.parametrize("formatter", [Text(), Json()])
@pytest.mark.parametrize("big", ["x" * 2**20, "\x01" * 2**20, "é" * 2**20])
def test_what_is_long_is_cut_and_marked(formatter, big):
    made = record(big, **{f"field{n}": big for n in range(20)})
    line = formatter.format(made)
    assert len(line.encode()) <= MAX_LINE
    assert "cut" in line


@given(message=anything, value=anything, name=st.text(min_size=1))
def test_no_text_line_can_be_forged(message, value, name):
    made = record(message, **{f"k{name}": value})
    line = Text().format(made)
    assert HEAD.match(line)
    assert len(line.splitlines()) == 1
    assert line.isprintable() or not re.search("[\x00-\x1f\x7f-\x9f]", line)


@given(message=anything, value=anything, name=st.text(min_size=1))
def test_json_is_always_one_valid_object(message, value, name):
    line = Json().format(record(message, **{f"k{name}": value}))
    assert isinstance(json.loads(line, parse_constant=pytest.fail), dict)


@pytest.mark.parametrize("formatter", [Text(), Json()])
def test_message_arguments_and_exception_go_through_the_scrubber(
    formatter, monkeypatch
):
    monkeypatch.setattr(privacy, "scrub_text", lambda text: text.replace("pw", "***"))
    made = failed(ValueError("pw"))
    made.msg, made.args = "a pw and %s", ("pw",)
    made.exc_text = "pw"
    line = formatter.format(made)
    assert "***" in line
    assert not re.search(r"Error: pw|a pw|and pw", line)


def test_extra_goes_through_the_scrubber(monkeypatch):
    monkeypatch.setattr(privacy, "scrub", lambda value: dict.fromkeys(value, "***"))
    assert parsed(record(password="pw"))["password"] == "***"


def test_what_cannot_be_scrubbed_is_withheld(monkeypatch):
    def broken(value: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(privacy, "scrub_text", broken)
    monkeypatch.setattr(privacy, "scrub", broken)
    assert "pw" not in Json().format(record("pw", field="pw"))


FIELDS = {"path": "/call/+4915112345678/", "status": 200}


def clean_record(**others: object):
    made = record("%s %s", "GET", 200, **FIELDS)
    made.__dict__.update({CLEAN: (FIELDS, made.msg, made.args)} | others)
    return made


@pytest.mark.parametrize("formatter", [Text(), Json()])
def test_what_spotter_has_scrubbed_itself_is_written_as_it_is(formatter):
    assert "+4915112345678" in formatter.format(clean_record())
    assert formatter.format(clean_record(_spotter_passes=True)).count("passes") == 0


@pytest.mark.parametrize(
    "others",
    [
        {"path": "/of/jane@example.com/"},
        {"mail": "jane@example.com"},
        {"msg": "%s %s jane@example.com"},
        {"args": ("jane@example.com", 200)},
    ],
)
@pytest.mark.parametrize("formatter", [Text(), Json()])
def test_what_somebody_adds_to_it_or_changes_is_scrubbed(formatter, others):
    assert "jane" not in formatter.format(clean_record(**others))
