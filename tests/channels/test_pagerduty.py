"""PagerDuty, against its documented rules and the incidents that follow from them."""

from __future__ import annotations

import pytest

from spotter.alerts.records import PENDING, SENT
from spotter.channels import DeliveryError, Kind, PagerDuty
from spotter.channels.pagerduty import event
from tests.alerts.kit import Recorded, World, rule
from tests.channels.notices import notice
from tests.channels.pagerduty import PER_MINUTE, PagerDutyService
from tests.channels.receiver import receiving

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32


@pytest.fixture
def service():
    return PagerDutyService(OLD, NEW)


@pytest.fixture
def url(service):
    with receiving(judge=service.judge) as receiver:
        yield receiver.url


def pager(url: str, **options) -> PagerDuty:
    return PagerDuty(**{"routing_key": NEW, "url": url, "group_seconds": 0, **options})


def test_an_incident_is_opened_added_to_acknowledged_and_resolved_as_one(service, url):
    channel = pager(url)
    for kind, states in (
        (Kind.TRIGGER, ["triggered"]),
        (Kind.UPDATE, ["triggered"]),
        (Kind.ACKNOWLEDGE, ["acknowledged"]),
        (Kind.UPDATE, ["acknowledged"]),
        (Kind.RESOLVE, ["resolved"]),
    ):
        channel.send(notice(kind))
        assert service.states == states
    assert (service.notified, service.refused, service.dropped) == (1, [], [])


def test_whoever_misses_the_beginning_is_told_of_nothing_that_is_open(service, url):
    pager(url).send(notice(Kind.LATE))
    assert service.incidents == []


def test_a_message_that_is_sent_twice_notifies_once(service, url):
    pager(url).send(notice())
    pager(url).send(notice())
    assert service.notified == 1


def test_what_is_too_long_is_cut_to_what_it_takes(service, url):
    evidence = tuple((f"name {n}", "ü" * 3000) for n in range(400))
    pager(url).send(notice(title="x" * 5000, evidence=evidence))
    assert service.refused == []


def test_what_was_opened_under_a_key_that_was_replaced_is_resolved_under_it(
    service, url
):
    pager(url, routing_key=OLD).send(notice())
    rotated = pager(url, previous_routing_keys=(OLD,))
    rotated.send(notice(Kind.RESOLVE))
    assert service.incidents == [[OLD, "spotter-abc", "resolved"]]


def test_a_previous_key_that_was_deleted_keeps_nobody_from_being_told(service, url):
    rotated = pager(url, previous_routing_keys=(OTHER,))
    rotated.send(notice())
    rotated.send(notice(Kind.RESOLVE))
    assert service.states == ["resolved"]


def test_without_the_previous_key_an_end_is_dropped_as_pagerduty_does(service, url):
    """Should this ever change, `previous_routing_keys` is not needed any more."""
    pager(url, routing_key=OLD).send(notice())
    pager(url).send(notice(Kind.RESOLVE))
    assert service.states == ["triggered"]
    assert len(service.dropped) == 1


@pytest.mark.parametrize(("key", "shut"), [(OTHER, True), (NEW, False)])
def test_a_key_that_nobody_knows_shuts_the_channel_and_a_wrong_event_does_not(
    service, url, key, shut
):
    with pytest.raises(DeliveryError) as caught:
        pager(url, routing_key=key).send(notice(service=""))
    assert (caught.value.permanent, caught.value.shut) == (True, shut)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, None),
        ({"routing_key": "x" * 31}, "must have 32 characters"),
        ({"previous_routing_keys": ("x",)}, "must have 32 characters"),
        ({"previous_routing_keys": (OLD,) * 3}, None),
        ({"previous_routing_keys": (OLD,) * 4}, "more than 3"),
    ],
)
def test_a_key_that_is_none_is_told_by_the_check(options, problem):
    found = pager("", **options).problems({})
    assert (problem in found[0]) if problem else found == []


def test_an_incident_that_is_reopened_is_a_new_one_there(service, url):
    world = World(channels=[pager(url)])
    for value in (1, 0, 1, 0):
        world.tick(30, Broken=value)
    assert service.states == ["resolved", "resolved"]


def test_two_watchers_open_one_incident(service, url):
    """Each with a book of its own, as when the store is gone."""
    for _ in range(2):
        world = World(channels=[pager(url)])
        world.tick(Broken=1)
    assert (service.states, service.notified) == (["triggered"], 1)


def test_staging_and_warnings_page_nobody_and_the_decision_says_why(
    service, url, caplog
):
    staging = World(channels=[pager(url), Recorded()], environment="staging")
    staging.tick(Broken=1)
    assert service.incidents == []
    assert (
        "not told",
        "pagerduty: the environment is staging, not production",
    ) in (staging.timeline)


def test_a_storm_stays_within_the_limit_and_all_of_it_arrives(service, url):
    rules = [rule(f"R{n}") for n in range(PER_MINUTE + 5)]
    world = World(*rules, channels=[pager(url)])
    for each in rules:
        world.now += 601
        world.values[each.name] = 1.0
        world.decide()
    rounds = 0
    while PENDING in [state for _, _, state, _ in world.decisions()]:
        world.outbox.deliver(world.book, world.now)
        world.now += 30.0
        service.times = [at - 30.0 for at in service.times]
        rounds += 1
        assert rounds < 20
    assert {state for _, _, state, _ in world.decisions()} == {SENT}
    assert service.notified == PER_MINUTE + 5


def test_nothing_but_202_is_taken_for_a_yes():
    with (
        receiving(usual=(200, {}, "{}")) as receiver,
        pytest.raises(DeliveryError, match="answered 200"),
    ):
        pager(receiver.url).send(notice())


def test_details_that_do_not_fit_are_left_out_rather_than_the_event():
    evidence = tuple((f"name {n}", "x" * 2000) for n in range(400))
    assert "custom_details" not in event(notice(evidence=evidence), NEW)["payload"]
    assert "custom_details" in event(notice(), NEW)["payload"]
