"""What processes of a host know together outlives them, and belongs to one at a time."""

from __future__ import annotations

import contextlib
import os

import pytest

from spotter.recorders.host.ledger import MAX_BYTES, Ledger


@pytest.fixture
def ledger(tmp_path):
    return Ledger("host", tmp_path)


def test_what_is_written_is_there_for_the_next(ledger, tmp_path):
    with ledger.page() as page:
        page["a"] = 1
    with Ledger("host", tmp_path).page() as page:
        assert page == {"a": 1}
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_a_shorter_page_leaves_nothing_of_a_longer_one(ledger):
    with ledger.page() as page:
        page["a"] = "x" * 1000
    with ledger.page() as page:
        page["a"] = ""
    with ledger.page() as page:
        assert page == {"a": ""}


def test_while_one_is_at_it_another_gets_no_page(ledger, tmp_path):
    with ledger.page(), Ledger("host", tmp_path).page(wait_seconds=0.02) as page:
        assert page is None


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_what_is_no_page_is_begun_anew(ledger, content):
    ledger.path.write_bytes(content)
    with ledger.page() as page:
        assert page == {}


def test_a_page_that_has_grown_too_large_is_not_written(ledger):
    with ledger.page() as page:
        page["a"] = 1
    with ledger.page() as page:
        page["b"] = "x" * MAX_BYTES
    with ledger.page() as page:
        assert page == {"a": 1}


def test_a_page_is_not_written_through_somebodys_link(ledger, tmp_path):
    (tmp_path / "elsewhere").touch()
    os.symlink(tmp_path / "elsewhere", ledger.path)
    with pytest.raises(OSError, match="symbolic"), ledger.page():
        pass


def test_who_fails_with_a_page_in_hand_changes_nothing_and_lets_go(ledger):
    with contextlib.suppress(LookupError), ledger.page() as page:
        page["a"] = 1
        raise LookupError
    with ledger.page() as page:
        assert page == {}
