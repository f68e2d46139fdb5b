"""`spotter notify` tries the channels, and opens one that was shut and works again."""

from __future__ import annotations

import io
import time

import pytest
from django.core.management import call_command

from spotter.alerts.book import Book
from spotter.alerts.records import Shut
from spotter.alerts.spare import Spare, spare_path, var_folder
from spotter.channels import Slack
from spotter.stores.current import get_store
from tests.channels.receiver import receiving


@pytest.fixture
def slack(settings, tmp_path):
    with receiving() as receiver:
        settings.SPOTTER = {
            "STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
            "CHANNELS": [Slack(url=receiver.url)],
        }
        yield receiver


def notify() -> tuple[str, int]:
    """What it prints, and its exit code."""
    out = io.StringIO()
    try:
        call_command("spotter", "notify", stdout=out)
    except SystemExit as ended:
        return out.getvalue(), int(str(ended.code))
    return out.getvalue(), 0


def shut() -> dict[str, Shut]:
    with Book(get_store()).reading() as page:  # type: ignore[arg-type]
        return page.shut_channels()


def test_a_channel_that_works_gets_a_beginning_and_an_end(slack):
    assert notify() == ("slack: trigger sent\nslack: resolve sent\n", 0)
    assert ["[DRILL]" in body["text"] for body in slack.bodies] == [True, True]


def test_one_that_was_shut_and_works_again_is_opened(slack):
    with Book(get_store()).writing() as page:  # type: ignore[arg-type]
        page.shut("slack", "abc", "answered 404", 1000.0)
    printed, code = notify()
    assert (printed.splitlines()[-1], code) == (
        "slack: it was shut and is open again", 0,
    )  # fmt: skip
    assert shut() == {}


def test_one_that_fails_stays_shut_and_shows_no_secret(slack):
    slack.usual = (404, {}, "no_service at secret-path")
    with Book(get_store()).writing() as page:  # type: ignore[arg-type]
        page.shut("slack", "abc", "answered 404", 1000.0)
    printed, code = notify()
    assert printed == "slack: trigger FAILED: answered 404: no_service at [Filtered]\n"
    assert code == 1
    assert list(shut()) == ["slack"]
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("spotter", "status", stdout=out)
    assert "slack IS SHUT since 1970-01-01 00:16:40 UTC: answered 404" in out.getvalue()


def test_one_that_is_shut_while_the_store_is_gone_is_opened_where_the_watcher_looks(
    slack,
):
    store = get_store()
    spare = Spare(spare_path(store, var_folder()))  # type: ignore[arg-type]
    with spare.book.writing() as page:
        page.lead("the watcher", time.time(), 60.0)
        page.shut("slack", "abc", "answered 404", 1000.0)
    printed, _ = notify()
    assert printed.splitlines()[-1] == "slack: it was shut and is open again"
    with spare.book.reading() as page:
        assert page.shut_channels() == {}
