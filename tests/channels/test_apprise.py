"""Apprise: each URL for itself, and no URL in any log."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from spotter.channels import Apprise, DeliveryError, Kind
from spotter.channels import apprise as module
from tests.alerts.kit import World
from tests.channels.notices import notice
from tests.channels.receiver import Receiver, receiving

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")


def address(receiver: Receiver) -> str:
    return receiver.url.replace("http://", "json://") + "/?cto=2&rto=2"


def test_a_message_has_title_text_and_kind():
    with receiving() as receiver:
        channel = Apprise(urls=[address(receiver)])
        channel.send(notice())
        channel.send(notice(Kind.RESOLVE, resolved_at=1_764_065_000.0))
    first, last = receiver.bodies
    assert first["title"] == "[FIRING] 3 % of requests fail — Shop (production)"
    assert first["message"].startswith("Since 2025-11-25 10:00:00 UTC. Incident 7")
    assert [first["type"], last["type"]] == ["failure", "success"]


def test_of_several_urls_those_that_failed_alone_are_tried_again():
    with receiving() as good, receiving() as bad:
        bad.script = [(503, {}, ""), (500, {}, "")]
        channel = Apprise(urls=[address(good), address(bad)], group_seconds=0)
        world = World(channels=[channel])
        world.tick(Broken=1)
        world.tick(6)
        world.tick(12)
    assert (len(good.bodies), len(bad.bodies)) == (1, 3)
    texts = [text for kind, text in world.timeline if kind == "not sent"]
    assert len(texts) == 1
    assert texts[0].startswith("apprise: trigger: 1 of 2: json: not delivered;")


def test_apprise_logs_no_url_while_it_works_for_spotter_and_as_ever_for_others(caplog):
    caplog.set_level(logging.DEBUG)
    with receiving(usual=(500, {}, "secret-path")) as receiver:
        url = address(receiver)
        with pytest.raises(DeliveryError):
            Apprise(urls=[url]).send(notice())
        assert "secret-path" not in caplog.text
        assert [r for r in caplog.records if r.name == "apprise"] == []
        box = module.library().Apprise()
        box.add(url)
        box.notify(body="of the host's own")
    assert [r for r in caplog.records if r.name == "apprise"] != []


def test_its_urls_are_not_shown():
    assert "secret" not in repr(Apprise(urls=["json://user:secret@host"]))


def test_a_url_that_apprise_does_not_know_is_given_up_without_repeating_it():
    with pytest.raises(DeliveryError) as caught:
        Apprise(urls=["nonsense://secret-path"]).send(notice())
    assert caught.value.permanent
    assert str(caught.value) == "nonsense: no URL that Apprise knows"


def test_pagerduty_is_refused_since_nothing_would_end_there():
    channel = Apprise(urls=["pagerduty://key@secret"])
    assert channel.problems({}) == [
        "pagerduty: use spotter.channels.PagerDuty, which ends incidents too"
    ]
    with pytest.raises(DeliveryError, match="which ends incidents too") as caught:
        channel.send(notice())
    assert caught.value.permanent


def test_without_apprise_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    channel = Apprise(urls=["json://localhost"])
    assert channel.problems({}) == [module.MISSING]
    with pytest.raises(DeliveryError, match=r"pip install 'django-spotter\[apprise\]'"):
        channel.send(notice())


def test_nothing_is_imported_before_a_message_is_sent():
    assert Apprise(urls=[]).problems({}) == [
        "it has no URL: Apprise(urls=['ntfy://…'])"
    ]
    script = (
        "import sys; from spotter.channels import Apprise; Apprise(urls=['json://x']); "
        "sys.exit('apprise' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
