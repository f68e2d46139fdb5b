"""`manage.py spotter deploy` marks a release once and refuses what no chart can show."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from spotter.recording.deploys import marks_of
from tests.kept import kept_store


@pytest.fixture
def store(settings, tmp_path):
    yield from kept_store(settings, tmp_path)


def deploy(*arguments):
    out = io.StringIO()
    call_command("spotter", "deploy", *arguments, stdout=out)
    return out.getvalue().strip()


def marks(store):
    found = marks_of(store.samples("deploy"))
    return [(mark.release, mark.previous) for mark in found]


def test_a_release_is_marked_after_the_one_before(store):
    assert deploy("v1") == "marked: v1"
    assert deploy("v2") == "marked: v2, after v1"
    assert deploy("v1") == "marked: v1, after v2"
    assert marks(store) == [("v1", ""), ("v2", "v1"), ("v1", "v2")]


def test_the_latest_release_is_not_marked_again(store):
    deploy("v1")
    assert "nothing to mark" in deploy("v1")
    assert marks(store) == [("v1", "")]


def test_what_is_said_of_the_latest_release_is_added_to_its_mark(store):
    deploy("v1")
    said = deploy("v1", "--note", "new\nprices", "--url", "https://ci.example.com/17")
    assert said.endswith("added what you say of it")
    (mark,) = marks_of(store.samples("deploy"))
    assert (mark.note, mark.url) == ("new prices", "https://ci.example.com/17")


def test_without_a_release_that_of_the_environment_is_marked(store, monkeypatch):
    monkeypatch.setenv("SENTRY_RELEASE", "2026.11.3")
    assert deploy() == "marked: 2026.11.3"


def test_without_any_release_it_says_what_to_do(store, monkeypatch, settings, tmp_path):
    settings.BASE_DIR = tmp_path / "a" / "b"
    monkeypatch.delenv("SENTRY_RELEASE", raising=False)
    with pytest.raises(CommandError, match=r"Name it: manage\.py spotter deploy"):
        deploy()


@pytest.mark.parametrize("release", ["", "  ", "a\nb", "a\x1b[2J", "x" * 201])
def test_what_is_no_line_of_text_is_no_release(store, release):
    with pytest.raises(CommandError, match="cannot be a release") as refused:
        deploy(release)
    assert refused.value.returncode == 2
    assert marks(store) == []


def test_a_release_may_have_200_characters(store):
    deploy("x" * 200)
    assert marks(store) == [("x" * 200, "")]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ci.example.com/17", "begins with https"),
        ("javascript:alert(1)", "begins with https"),
        ("https:///17", "begins with https"),
        ("https://[", "begins with https"),
        ("https://example.com/" + "x" * 500, "at most 500"),
        ("https://ann:geheim@ci.example.com/", "password"),
        ("https://ci.example.com/?token=0f3a9c2e5b7d4816", "token"),
    ],
)
def test_an_address_that_cannot_stand_on_a_page_is_refused(store, url, why):
    with pytest.raises(CommandError, match=why):
        deploy("v1", "--url", url)
    assert marks(store) == []


def test_a_note_is_bounded_and_holds_nobodys_data(store):
    with pytest.raises(CommandError, match="501 characters"):
        deploy("v1", "--note", "x" * 501)
    deploy("v1", "--note", "asked for by ann@example.com")
    (mark,) = marks_of(store.samples("deploy"))
    assert "ann@" not in mark.note


def test_a_store_that_ends_with_the_command_is_refused(store, settings):
    settings.SPOTTER = {"STORE": "memory://"}
    with pytest.raises(CommandError, match="memory://"):
        deploy("v1")


def test_help_says_what_it_does(capsys):
    with pytest.raises(SystemExit):
        call_command("spotter", "deploy", "--help")
    assert "Mark a deploy on every chart" in capsys.readouterr().out
