"""The status page as files, and its system check."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest
from django.core.management import CommandError, call_command

from spotter.statuspage import StatusPage
from spotter.statuspage.checks import check_status_page
from tests.alerts.probed import probe_now
from tests.statuspage.conftest import PAGE


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("spotter", "statuspage", *arguments, stdout=out, stderr=out)
    except SystemExit as error:
        return int(error.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_page_is_written_as_files_that_need_nothing_else(book, clock, tmp_path):
    for name in ("health", "api", "database-of-ann"):
        probe_now(book.store, name, clock.time())
    folder = tmp_path / "public" / "status"
    assert run("--write", str(folder))[0] == 0
    names = {path.name for path in folder.iterdir()}
    assert names == {"index.html", "status.json", "status.rss", "status.css", "status.js", "icon.svg"}  # fmt: skip
    assert json.loads((folder / "status.json").read_text())["status"] == "operational"
    text = (folder / "index.html").read_text()
    assert "Content-Security-Policy" in text
    for name in names - {"index.html"}:
        assert f'"{name}' in text
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in folder.iterdir())


def test_where_nothing_is_known_that_is_written_and_told(book, tmp_path):
    code, _ = run("--write", str(tmp_path / "out"))
    assert code == 1
    assert json.loads((tmp_path / "out/status.json").read_text())["status"] == "unknown"


def test_it_prints_the_components(book, clock):
    probe_now(book.store, "health", clock.time())
    code, text = run()
    assert code == 1
    assert "Website: operational" in text
    assert "API: unknown" in text


def test_a_folder_that_can_not_be_written_is_named(book, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="can't be written"):
        call_command("spotter", "statuspage", "--write", str(tmp_path / "file" / "x"))


def test_without_an_address_the_files_are_refused(book, settings, tmp_path):
    page = dataclasses.replace(PAGE, url="")
    settings.SPOTTER = {**settings.SPOTTER, "STATUS_PAGE": page}
    with pytest.raises(CommandError, match="url="):
        call_command("spotter", "statuspage", "--write", str(tmp_path))


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ({"title": "Shop"}, "no StatusPage"),
        (StatusPage(title="", components={"A": "health"}), "title must be"),
        (StatusPage(title="Shop", components={}), "components must be"),
        (StatusPage(title="Shop", components={"A": "healht"}), "'healht', which is no monitor"),
        (StatusPage(title="Shop", components={"A": []}), "has no monitor"),
        (StatusPage(title="Shop", components={"A": "health"}, path="a b"), "path is"),
        (StatusPage(title="Shop", components={"A": "health"}, url="x.y"), "url is"),
        (StatusPage(title="Shop", components={str(n): "health" for n in range(51)}), "more than 50"),
    ],
)  # fmt: skip
def test_a_page_that_can_not_be_shown_is_refused(book, settings, page, said):
    settings.SPOTTER = {**settings.SPOTTER, "STATUS_PAGE": page}
    (error,) = check_status_page()
    assert error.id == "spotter.E072"
    assert said in error.msg


def test_one_that_can_is_not(book, settings):
    assert check_status_page() == []
    fifty = StatusPage(title="Shop", components={str(n): "health" for n in range(50)})
    settings.SPOTTER = {**settings.SPOTTER, "STATUS_PAGE": fifty}
    assert check_status_page() == []
