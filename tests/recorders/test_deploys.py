"""A release is marked when it is new, and once."""

from __future__ import annotations

import pytest

from spotter import recording
from spotter.recorders import deploys


@pytest.fixture
def started(kept, monkeypatch):
    def start(release):
        monkeypatch.setenv("SENTRY_RELEASE", release)
        monkeypatch.setattr(deploys, "_told_by", 0)
        deploys.tell()
        deploys.tell()
        recording.flush()

    return start


def test_a_new_release_is_marked_with_the_one_before(started, kept):
    for release in ("v1", "v1", "v2"):
        started(release)
    marks = [(s.key, s.body["previous"]) for s in kept.samples("deploy")]
    assert sorted(marks) == [("v1", ""), ("v2", "v1")]


def test_where_no_release_is_known_nothing_is_marked(
    kept, monkeypatch, tmp_path, settings
):
    settings.BASE_DIR = tmp_path / "a" / "b"
    monkeypatch.setattr(deploys, "_told_by", 0)
    deploys.tell()
    recording.flush()
    assert kept.samples("deploy") == []
