"""From what is measured to who is told, and what is not told and why."""

from __future__ import annotations

import dataclasses

import pytest

from spotter.alerts.engine import GONE_SECONDS, TOGETHER_SECONDS
from spotter.alerts.expressions import Computed, Reading
from spotter.alerts.records import OPEN, RESOLVED, SENT, SUPPRESSED, Silence
from spotter.alerts.rules import Rule, Severity, dedup_key
from spotter.alerts.shipped import shipped
from spotter.channels import DeliveryError, Kind, PagerDuty
from tests.alerts.kit import Recorded, World, rule


def test_an_alert_opens_one_incident_and_its_end_closes_it():
    world = World()
    world.tick(Broken=1)
    world.tick(Broken=2)
    world.tick(Broken=0)
    world.tick(Broken=0)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]
    assert [incident.state for incident in world.incidents] == [RESOLVED]


def test_nothing_is_told_before_the_condition_has_held_long_enough():
    world = World(rule(for_=10.0))
    world.tick(5, Broken=1)
    world.tick(5)
    assert world.channels[0].sent == []
    world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_a_firing_alert_ceases_at_its_clear_threshold_and_not_before():
    world = World(rule(threshold=10, clear=5))
    for value in (10, 11, 6, 5.1):
        world.tick(Broken=value)
    assert world.channels[0].kinds_sent == ["trigger"]
    world.tick(Broken=5)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]


def test_not_to_know_resolves_nothing_and_is_told_once_as_an_alert_of_its_own():
    blind = dataclasses.replace(rule(no_data_after=60.0), threshold=0.0)
    world = World(blind, rule("MonitoringNoData", summary="blind: {note}"))
    world.tick(Broken=1)
    world.trouble = "it is locked"
    for _ in range(20):
        world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger", "update"]
    assert "nobody can judge Broken" in world.channels[0].sent[1].lines[1]
    world.trouble = ""
    world.tick(Broken=0, MonitoringNoData=0)
    assert world.channels[0].kinds_sent[-1] == "resolve"


def test_a_restart_of_the_watcher_neither_resolves_nor_tells_again():
    world = World(rule(for_=10.0))
    for _ in range(4):
        world.tick(5, Broken=1)
    world.start()
    world.tick(300, Broken=1)
    world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger"]
    world.tick(5, Broken=0)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]


def test_what_is_gone_with_all_that_is_measured_beside_it_is_held_for_an_hour():
    world = World(rule(stale_after=300.0))
    world.tick(Broken=1)
    del world.values["Broken"]
    world.tick(5)
    world.tick(GONE_SECONDS - 1)
    assert world.channels[0].kinds_sent == ["trigger"]
    world.tick(1)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]


def test_alerts_of_one_trouble_are_one_incident_and_each_new_one_is_an_update():
    world = World(rule("First"), rule("Second"))
    world.tick(First=1, Second=0)
    world.tick(TOGETHER_SECONDS, Second=1)
    world.tick(5, First=0)
    assert world.channels[0].kinds_sent == ["trigger", "update"]
    world.tick(5, Second=0)
    assert world.channels[0].kinds_sent == ["trigger", "update", "resolve"]
    assert len(world.incidents) == 1


def test_an_alert_long_after_the_last_change_is_an_incident_of_its_own():
    world = World(rule("First"), rule("Second"))
    world.tick(First=1, Second=0)
    world.tick(TOGETHER_SECONDS + 1, Second=1)
    assert len(world.incidents) == 2


def test_what_follows_from_a_dead_database_is_in_its_incident_and_not_told():
    world = World(rule("DatabaseDown"), rule("Errors", because_of=("DatabaseDown",)))
    world.tick(DatabaseDown=1, Errors=0)
    world.tick(5, Errors=1)
    assert world.channels[0].kinds_sent == ["trigger"]
    world.tick(5, DatabaseDown=0)
    world.tick(5, Errors=0)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]
    assert len(world.incidents) == 1


def test_what_a_dead_database_leaves_behind_is_not_told_after_it_is_back():
    world = World(rule("DatabaseDown"), rule("Errors", because_of=("DatabaseDown",)))
    world.tick(DatabaseDown=1, Errors=0)
    world.tick(5, DatabaseDown=0)
    world.tick(60, Errors=1)
    world.tick(200, Errors=0)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]
    assert len(world.incidents) == 1


def test_what_outlives_its_cause_by_ten_minutes_is_told():
    world = World(rule("DatabaseDown"), rule("Errors", because_of=("DatabaseDown",)))
    world.tick(DatabaseDown=1, Errors=0)
    world.tick(5, DatabaseDown=0)
    world.tick(60, Errors=1)
    world.tick(TOGETHER_SECONDS - 61)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]
    world.tick(1)
    assert world.channels[0].kinds_sent == ["trigger", "resolve", "trigger"]


def test_an_incident_is_named_after_its_cause_even_if_that_fires_later():
    world = World(rule("Errors", because_of=("DatabaseDown",)), rule("DatabaseDown"))
    world.tick(Errors=1, DatabaseDown=0)
    world.tick(5, DatabaseDown=1)
    assert world.incidents[0].title.startswith("DatabaseDown")


def test_an_alert_that_fires_again_soon_reopens_its_incident():
    world = World()
    for value in (1, 0, 1):
        world.tick(30, Broken=value)
    assert len(world.incidents) == 1
    assert world.channels[0].kinds_sent == ["trigger", "resolve", "trigger"]


def test_an_alert_that_flaps_stays_one_incident_until_it_is_calm():
    world = World()
    for _ in range(20):
        world.tick(30, Broken=1)
        world.tick(30, Broken=0)
    assert len(world.incidents) == 1
    assert world.channels[0].kinds_sent.count("trigger") == 3
    world.tick(300, Broken=0)
    assert world.incidents[0].state != RESOLVED
    world.tick(300, Broken=0)
    assert world.incidents[0].state == RESOLVED


def silence(world, seconds, **matchers):
    with world.book.writing() as page:
        return page.silence(
            matchers, "bob", "we know", world.now, world.now + seconds, world.now
        )


def test_a_silence_mutes_the_trigger_and_says_whose_it_is():
    world = World()
    silence(world, 600, rule="Broken")
    world.tick(Broken=1)
    world.tick(5)
    assert world.channels[0].sent == []
    assert world.decisions() == [
        ("chat", "trigger", SUPPRESSED, "silence 1 by bob: we know")
    ]


def test_what_still_fires_when_a_silence_ends_is_told():
    world = World()
    silence(world, 600, rule="Broken")
    world.tick(599, Broken=1)
    assert world.channels[0].sent == []
    world.tick(1)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_a_silence_never_mutes_the_end_of_what_was_told():
    """Alertmanager leaves PagerDuty's incident open for ever in this case."""
    world = World()
    world.tick(Broken=1)
    silence(world, 6000, rule="Broken")
    world.tick(5)
    world.tick(5, Broken=0)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]


def test_what_begins_and_ends_in_a_silence_is_never_told():
    world = World()
    silence(world, 6000, severity="critical")
    world.tick(Broken=1)
    world.tick(5, Broken=0)
    world.tick(9000)
    assert world.channels[0].sent == []


@pytest.mark.parametrize(
    "matchers", [{"rule": "Other"}, {"rule": "Broken", "host": "b"}]
)
def test_a_silence_for_something_else_mutes_nothing(matchers):
    world = World()
    silence(world, 600, **matchers)
    world.tick(Broken=1)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_a_silence_begins_and_ends_at_its_times():
    muted = Silence(
        id=1, matchers=(), author="bob", reason="x", starts_at=10.0, ends_at=20.0
    )
    assert [muted.mutes(alert(), at) for at in (9.9, 10, 19.9, 20)] == [
        False, True, True, False,
    ]  # fmt: skip


def alert():
    world = World()
    world.tick(Broken=1)
    return next(iter(world.engine.alerts.values()))


def test_pagerduty_is_for_critical_incidents_in_production_and_says_so():
    pager = PagerDuty(routing_key="x" * 32)
    staging = World(channels=[pager], environment="staging")
    staging.decide()
    staging.values["Broken"] = 1
    staging.decide()
    warning = World(rule(severity=Severity.WARNING), channels=[pager])
    warning.values["Broken"] = 1
    warning.decide()
    assert staging.decisions() == [
        (
            "pagerduty",
            "trigger",
            SUPPRESSED,
            "the environment is staging, not production",
        )
    ]
    assert warning.decisions() == [
        ("pagerduty", "trigger", SUPPRESSED, "warning is not critical")
    ]


def test_a_channel_outside_of_its_hours_is_told_when_they_begin():
    # 1,000,000 s after the epoch it is 13:46:40 UTC.
    chat = Recorded(hours=("14:00", "18:00"))
    world = World(channels=[chat])
    world.tick(Broken=1)
    assert chat.sent == []
    world.tick(800)
    assert chat.kinds_sent == ["trigger"]


def test_the_next_in_line_is_told_of_what_nobody_acknowledges():
    first, second = Recorded(), Recorded(name="boss", after_seconds=900)
    world = World(channels=[first, second])
    world.tick(Broken=1)
    world.tick(899)
    assert second.sent == []
    world.tick(1)
    assert second.kinds_sent == ["trigger"]


def test_what_is_acknowledged_goes_no_further_and_is_not_reminded_of():
    first = Recorded(remind_seconds=600)
    world = World(channels=[first, Recorded(name="boss", after_seconds=900)])
    world.tick(Broken=1)
    with world.book.writing() as page:
        incident = page.incidents()[0]
        page.save_incident(dataclasses.replace(incident, state="acknowledged"))
    world.tick(5000)
    assert first.kinds_sent == ["trigger"]
    assert world.channels[1].sent == []
    world.tick(5, Broken=0)
    assert first.kinds_sent == ["trigger", "resolve"]


def acknowledge(world):
    with world.book.writing() as page:
        incident = page.incidents()[0]
        page.save_incident(dataclasses.replace(incident, state="acknowledged"))


def test_what_is_new_beside_an_acknowledged_incident_is_told_by_itself():
    world = World(rule("Slow", severity=Severity.WARNING), rule("DatabaseDown"))
    world.tick(Slow=1, DatabaseDown=0)
    acknowledge(world)
    world.tick(60, DatabaseDown=1)
    assert [each.title for each in world.incidents] == [
        "DatabaseDown is at 1", "Slow is at 1",
    ]  # fmt: skip
    assert world.channels[0].sent[-1].title == "DatabaseDown is at 1"


def test_what_an_acknowledged_incident_explains_or_knows_belongs_to_it():
    causes = ("DatabaseDown",)
    world = World(rule("Errors", because_of=causes), rule("DatabaseDown"), rule("Slow"))
    world.tick(DatabaseDown=1, Errors=0, Slow=1)
    acknowledge(world)
    world.tick(60, Errors=1, Slow=0)
    world.tick(60, Slow=1)
    assert len(world.incidents) == 1


def test_a_channel_is_reminded_of_what_nobody_acknowledges():
    world = World(channels=[Recorded(remind_seconds=600)])
    world.tick(Broken=1)
    world.tick(599)
    assert world.channels[0].kinds_sent == ["trigger"]
    world.tick(1)
    assert world.channels[0].kinds_sent == ["trigger", "reminder"]


def test_a_dead_channel_is_replaced_by_one_that_would_not_have_been_told():
    dead = Recorded(name="dead", failures=[DeliveryError("gone", permanent=True)])
    other = Recorded(name="other", severities=("info",))
    world = World(channels=[dead, other])
    world.tick(Broken=1)
    assert other.sent == []
    world.tick(5)
    assert [notice.reason for notice in other.sent] == ["dead could not be told"]
    world.tick(5, Broken=0)
    assert other.kinds_sent == ["trigger", "resolve"]


def test_what_is_over_before_it_could_be_sent_is_told_in_one_message():
    chat = Recorded(failures=[DeliveryError("503"), DeliveryError("503")])
    world = World(channels=[chat])
    world.tick(Broken=1)
    world.tick(5, Broken=0)
    world.tick(400)
    world.tick(400)
    assert chat.kinds_sent == ["late"]


def test_two_watchers_know_an_incident_by_the_same_key():
    key = dedup_key("Shop", "production", "Broken", {"host": "a"})
    assert key == dedup_key("Shop", "production", "Broken", {"host": "a"})
    others = [
        dedup_key("Shop", "staging", "Broken", {"host": "a"}),
        dedup_key("Shop", "production", "Broken", {"host": "b"}),
        dedup_key("Shop", "production", "Broke", {"host": "a"}),
    ]
    assert key not in others
    assert len(key) <= 255


def test_two_engines_that_decide_at_once_send_once():
    world = World()
    other = World(channels=world.channels, book=world.book)
    world.values["Broken"] = other.values["Broken"] = 1.0
    world.decide()
    other.start()
    other.decide()
    world.tick(1)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_a_rule_that_fails_does_not_stop_the_others(caplog):
    broken = rule("Worse")
    world = World(broken, rule())
    world.values["Worse"] = "no number"  # type: ignore[assignment]
    with pytest.raises(TypeError):
        broken.judge(world.of("Worse")[0], is_firing=False)
    world.values.pop("Worse")
    world.tick(Broken=1)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_every_decision_can_be_read():
    world = World()
    world.tick(Broken=1)
    assert world.decisions() == [("chat", "trigger", SENT, "the incident opened")]
    assert [kind for kind, _ in world.timeline] == ["opened", "firing", "sent"]


def gathering(*rules):
    return World(*rules, channels=[Recorded(group_seconds=10.0)])


def test_a_cause_that_fires_a_moment_after_what_follows_is_one_message_under_its_name():
    world = gathering(
        rule("Errors", because_of=("DatabaseDown",)), rule("DatabaseDown")
    )
    world.tick(Errors=1, DatabaseDown=0)
    world.tick(5, DatabaseDown=1)
    assert world.channels[0].sent == []
    world.tick(5)
    (notice,) = world.channels[0].sent
    assert notice.title.startswith("DatabaseDown")
    assert set(notice.lines) == {
        "DatabaseDown is at 1", "Errors is at 1 (because of DatabaseDown)",
    }  # fmt: skip


def test_a_cause_that_fires_after_the_first_message_is_an_update_that_explains_it():
    world = World(rule("Errors", because_of=("DatabaseDown",)), rule("DatabaseDown"))
    world.tick(Errors=1, DatabaseDown=0)
    world.tick(5, DatabaseDown=1)
    assert world.channels[0].kinds_sent == ["trigger", "update"]
    assert "Errors is at 1 (because of DatabaseDown)" in world.channels[0].sent[1].lines
    assert world.channels[0].sent[1].title.startswith("DatabaseDown")


@pytest.mark.parametrize(("seconds", "told"), [(9.9, 0), (10, 1), (10.1, 1)])
def test_what_is_new_is_gathered_for_some_seconds(seconds, told):
    world = gathering(rule())
    world.tick(Broken=1)
    world.tick(seconds)
    assert len(world.channels[0].sent) == told


def test_what_ends_while_it_is_gathered_is_not_told_and_it_says_why():
    world = gathering(rule())
    world.tick(Broken=1)
    world.tick(5, Broken=0)
    world.tick(60)
    assert world.channels[0].sent == []
    assert world.decisions() == [
        ("chat", "trigger", SUPPRESSED, "it was over within 10 s")
    ]


def storm(world, count):
    """So many incidents that have come and gone since."""
    with world.book.writing() as page:
        for number in range(count):
            other = page.open_incident(f"other-{number}", "info", world.now, {})
            page.save_incident(
                dataclasses.replace(other, state=RESOLVED, resolved_at=world.now)
            )


def test_an_incident_is_ended_however_many_came_after_it():
    world = World()
    world.tick(Broken=1)
    storm(world, 2001)
    world.tick(5, Broken=0)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]


def test_an_incident_is_reopened_however_many_came_after_it():
    world = World()
    world.tick(Broken=1)
    world.tick(5, Broken=0)
    storm(world, 21)
    world.tick(5, Broken=1)
    assert world.channels[0].sent[-1].incident == 1


def test_an_end_that_could_not_be_told_is_followed_up_for_longer_than_a_moment():
    """A beginning in flight when all was over; then its receiver is gone for an hour."""
    world = World(
        channels=[Recorded(failures=[DeliveryError("503", retry_after=3600)])]
    )
    world.values["Broken"] = 1.0
    world.decide()
    world.outbox.deliver(world.book, world.now)
    world.tick(5, Broken=0)
    world.tick(3600)
    assert world.channels[0].kinds_sent == ["late"]


def test_an_incident_that_nothing_belongs_to_is_ended_however_many_are_open():
    world = World()
    world.tick(Broken=0)
    with world.book.writing() as page:
        for number in range(201):
            page.open_incident(f"other-{number}", "info", world.now, {})
        world.engine.close_orphans(page, world.now)
        assert page.incidents((OPEN,), limit=None) == []


def test_nobody_is_reminded_of_what_could_not_be_told():
    chat = Recorded(
        remind_seconds=600, failures=[DeliveryError("503", retry_after=100)] * 9
    )
    world = World(channels=[chat])
    world.tick(Broken=1)
    for _ in range(9):
        world.tick(100)
    assert chat.kinds_sent == ["trigger"]
    world.tick(599)
    assert chat.kinds_sent == ["trigger"]
    world.tick(1)
    assert chat.kinds_sent == ["trigger", "reminder"]


@pytest.mark.parametrize(
    ("place", "own", "link"),
    [
        ("", "", []),
        ("https://a.example/r/", "", ["https://a.example/r/broken"]),
        ("https://a.example/r/", "https://wiki.example/x", ["https://wiki.example/x"]),
        ("", "https://wiki.example/x", ["https://wiki.example/x"]),
    ],
)
def test_a_message_links_to_the_rules_runbook(place, own, link):
    world = World(rule(runbook_url=own), runbooks=place)
    world.tick(Broken=1)
    links = [address for _, address in world.channels[0].sent[0].links]
    assert links == link


class Pager(Recorded):
    """Takes acknowledgements, too."""

    kinds = frozenset(Kind)


def test_an_acknowledgement_is_told_anew_after_a_reopening():
    world = World(channels=[Pager()])
    world.tick(Broken=1)
    acknowledge(world)
    world.tick()
    world.tick(Broken=0)
    world.tick(Broken=1)
    acknowledge(world)
    world.tick()
    kinds = ["trigger", "acknowledge", "resolve", "trigger", "acknowledge"]
    assert world.channels[0].kinds_sent == kinds


def test_what_fires_under_a_rule_that_is_removed_ends_and_says_why():
    world = World()
    world.tick(Broken=1)
    world.rules = (rule("Other"),)
    world.start()
    world.tick(5, Other=0)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]
    assert ("resolved", "Broken: there is no such rule any more") in (world.timeline)
    with world.book.reading() as page:
        assert [alert.rule for alert in page.alerts().values()] == ["Other"]


def test_no_end_is_told_under_the_key_of_an_incident_that_goes_on():
    world = World(rule("First"), rule("Second"))
    world.tick(First=1, Second=0)
    world.tick(5, Second=1)
    world.tick(5, First=0)
    world.tick(TOGETHER_SECONDS + 1, First=1)
    world.tick(5, First=0)
    assert world.channels[0].kinds_sent == ["trigger", "update"]
    world.tick(5, Second=0)
    assert world.channels[0].kinds_sent == ["trigger", "update", "resolve"]
    assert len(world.incidents) == 1


def hosts(values: dict[str, float], **options) -> Rule:
    """A rule over a value of each host."""
    read = Computed(
        lambda source, now: [
            Reading(labels={"host": h}, value=v) for h, v in values.items()
        ]
    )
    return dataclasses.replace(rule("HighMemory", **options), expression=read)


def test_an_alert_of_a_host_that_is_gone_ends_after_its_time_and_says_why():
    values = {"pod-1": 1.0, "pod-2": 0.0}
    world = World(hosts(values, stale_after=300.0))
    world.tick()
    del values["pod-1"]
    world.tick(5)
    world.tick(299)
    assert world.channels[0].kinds_sent == ["trigger"]
    world.tick(1)
    (told, ended) = world.channels[0].sent
    assert (told.kind, ended.kind) == (Kind.TRIGGER, Kind.RESOLVE)
    assert ended.reason == "HighMemory: it is measured no more"


def test_an_alert_that_ends_as_it_should_says_so_whatever_its_last_end_was():
    values = {"pod-1": 1.0, "pod-2": 0.0}
    world = World(hosts(values, stale_after=0.0))
    world.tick()
    del values["pod-1"]
    world.tick(5)
    values["pod-1"] = 1.0
    world.tick(5)
    values["pod-1"] = 0.0
    world.tick(5)
    reasons = [n.reason for n in world.channels[0].sent if n.is_end]
    assert reasons == [
        "HighMemory: it is measured no more", "nothing of it fires any more",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["HighMemory", "HighCPU", "DiskSpaceLow"])
def test_the_rules_of_hosts_let_go_as_soon_as_prometheus_forgets(name):
    rules = {each.name: each for each in shipped(lambda: None)}  # type: ignore[arg-type,return-value]
    assert rules[name].stale_after == 300.0


def test_a_channels_name_may_have_colons():
    world = World(channels=[Recorded(name="slack:ops:night")])
    for value in (1, 0, 1, 0):
        world.tick(Broken=value)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"] * 2


def test_the_end_of_what_was_reminded_of_for_a_year_is_told():
    world = World(channels=[Recorded(remind_seconds=600)])
    world.tick(Broken=1)
    with world.book.writing() as page:
        notice = page.deliveries()[0].notice
        for number in range(2100):
            page.decide(
                f"1:chat:reminder:{number}", 1, "chat", Kind.REMINDER, state=SENT,
                now=world.now, reason="nobody has acknowledged it", notice=notice,
            )  # fmt: skip
        page.run("UPDATE spotter_outbox SET done_at = ?", (world.now,))
    world.tick(600)
    assert world.channels[0].kinds_sent == ["trigger", "reminder"]
    world.tick(5, Broken=0)
    assert world.channels[0].kinds_sent == ["trigger", "reminder", "resolve"]


def test_who_is_next_in_line_is_given_time_anew_after_a_reopening():
    world = World(channels=[Recorded(), Recorded(name="next", after_seconds=900)])
    world.tick(Broken=1)
    acknowledge(world)
    world.tick(1800)
    world.tick(5, Broken=0)
    world.tick(60, Broken=1)
    world.tick(899)
    assert world.channels[1].sent == []
    world.tick(1)
    assert world.channels[1].kinds_sent == ["trigger"]


def watched(values: dict[str, float], **options) -> tuple[Rule, Rule]:
    """A rule over what may fall silent, and the one that tells so."""
    return hosts(values, no_data_after=60.0), rule("MonitoringNoData", summary="{note}")


def wait(world: World, seconds: float) -> None:
    for _ in range(int(seconds / 5)):
        world.tick(5)


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param([], id="none"),
        pytest.param([None], id="unknown"),
        pytest.param(["no number"], id="the rule fails"),
    ],
)
def test_that_nobody_can_judge_what_was_well_is_told(reading):
    values = {"api": 0.0, "web": 0.0}
    world = World(*watched(values))
    world.tick(MonitoringNoData=0)
    del values["api"]
    values.update(zip(["api"], reading, strict=False))
    wait(world, 60)
    assert world.channels[0].sent == []
    wait(world, 10)
    assert [n.title for n in world.channels[0].sent] == ["nobody can judge HighMemory"]
    values |= {"api": 0.0, "web": 0.0}
    wait(world, 5)
    assert world.channels[0].kinds_sent == ["trigger", "resolve"]


def test_nobody_is_missed_who_was_gone_when_the_watcher_began():
    values = {"api": 0.0, "removed": 0.0}
    world = World(*watched(values))
    world.tick(MonitoringNoData=0)
    del values["removed"]
    world.start()
    wait(world, 600)
    assert world.channels[0].sent == []
