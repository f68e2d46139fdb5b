"""
Four everyday accidents, for Spotter and for Prometheus with Alertmanager.

Both watch the same value and tell receivers of the same kind. What must be right is
asserted of Spotter; what its peers do is
logged (`pytest --log-cli-level=INFO`), and of them is only
asserted that they began: else the comparison would be none.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Iterator

import pytest

from acceptance.against.stacks import Peers, Spotter, told
from tests.servers.processes import wait_until

logger = logging.getLogger(__name__)
pytestmark = [pytest.mark.acceptance, pytest.mark.long, pytest.mark.timeout(240)]


@contextlib.contextmanager
def both(tmp_path, for_: float) -> Iterator[tuple[Spotter, Peers]]:
    """Both, watching a value of 0."""
    with told() as ours, told() as theirs:
        peers = Peers(tmp_path / "peers", theirs, for_)
        try:
            spotter = Spotter(tmp_path / "spotter", ours, for_)
            try:
                yield spotter, peers
            finally:
                spotter.close()
        finally:
            peers.close()


def set_to(value: int, *stacks: Spotter | Peers) -> None:
    for stack in stacks:
        stack.set(value)


def break_(*stacks: Spotter | Peers) -> None:
    """It breaks, and both channels of both are told."""
    set_to(1, *stacks)
    for stack in stacks:
        wait_until(functools.partial(is_told, stack), 60, "the beginning told")


def is_told(stack: Spotter | Peers) -> bool:
    """Whether both channels were told of the beginning."""
    found = stack.told
    return found.messages == ["firing"] and found.incidents == ["triggered"]


def are_over(*stacks: Spotter | Peers) -> bool:
    """Whether Slack has refused all; each is mended then, before it can try again."""
    refused = [stack for stack in stacks if stack.told.tries]
    set_to(0, *refused)
    return len(refused) == len(stacks)


def wait_for_more(seconds: float) -> None:
    """Give both the time in which they would say more, if they did."""
    time.sleep(seconds)


def report(name: str, peers: Peers) -> None:
    """For the table in docs/explanation/alerting.md."""
    found = peers.told
    logger.info("%s: Slack %s, PagerDuty %s", name, found.messages, found.incidents)


def test_a_restart_while_it_fires_tells_nobody_anything(tmp_path):
    """R1: Prometheus forgets, so that Alertmanager tells of an end and a new beginning."""
    with both(tmp_path, for_=8.0) as (spotter, peers):
        break_(spotter, peers)
        peers.restart()
        spotter.restart()
        wait_for_more(20)
        report("restart", peers)
        assert spotter.told.messages == ["firing"]
        assert spotter.told.incidents == ["triggered"]
        spotter.set(0)
        wait_until(lambda: spotter.told.incidents == ["resolved"], 30, "its end")
        wait_until(
            lambda: spotter.told.messages == ["firing", "resolved"], 30, "its end"
        )


def test_what_slack_refused_for_now_and_is_over_is_told_in_one_message(tmp_path):
    """C2: Alertmanager tries Slack once, and never tells what is over by the next flush."""
    with both(tmp_path, for_=1.0) as (spotter, peers):
        for each in (spotter, peers):
            each.told.refuse_next(seconds=5)
        set_to(1, spotter, peers)
        wait_until(lambda: are_over(spotter, peers), 60, "Slack's refusals")
        wait_until(lambda: spotter.told.messages == ["late"], 60, "Slack told")
        wait_until(lambda: spotter.told.incidents == ["resolved"], 30, "its end")
        wait_until(lambda: peers.told.incidents == ["resolved"], 60, "the peers' end")
        wait_for_more(5)
        report("429, then resolved", peers)
        assert spotter.told.messages == ["late"]


def test_an_end_in_a_silence_is_told_to_whoever_was_told_of_the_beginning(tmp_path):
    """C3: Alertmanager leaves PagerDuty's incident open for ever."""
    with both(tmp_path, for_=1.0) as (spotter, peers):
        break_(spotter, peers)
        for each in (spotter, peers):
            each.silence()
        time.sleep(2)
        set_to(0, spotter, peers)
        wait_until(lambda: spotter.told.incidents == ["resolved"], 30, "its end")
        wait_until(
            lambda: spotter.told.messages == ["firing", "resolved"], 30, "its end"
        )
        wait_for_more(8)
        report("silence, then resolved", peers)


def test_a_kill_of_what_tells_repeats_nothing(tmp_path):
    """C4: Alertmanager keeps what it told in memory, and tells it again."""
    with both(tmp_path, for_=1.0) as (spotter, peers):
        break_(spotter, peers)
        peers.kill()
        spotter.kill()
        wait_for_more(20)
        report("kill -9", peers)
        assert spotter.told.messages == ["firing"]
        spotter.set(0)
        wait_until(
            lambda: spotter.told.messages == ["firing", "resolved"], 60, "its end"
        )
        wait_until(lambda: spotter.told.incidents == ["resolved"], 30, "its end")
