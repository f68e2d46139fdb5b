"""Whatever is wrong with a rule is told at start, with an id and what to do."""

from __future__ import annotations

import dataclasses
import pathlib
import re

import pytest
from django.core.checks import Error, Warning, run_checks

from spotter.alerts import rule_checks
from spotter.alerts.book import Book
from spotter.alerts.expressions import Computed, Gauge, Reading
from spotter.alerts.rules import Rule
from spotter.alerts.watcher import configured_rules
from spotter.catalog import METRICS
from spotter.stores.sqlite import MEMORY, SqliteStore
from tests.alerts.kit import World, rule

REFERENCE = pathlib.Path(__file__).parents[2] / "docs" / "reference" / "alerting.md"
GAUGE = Gauge(name="spotter.task.queue.depth", by=("queue",))
LONG = Rule(
    name="QueueLong", expression=GAUGE, threshold=10, summary="{value} of {labels}"
)


def told(settings, *rules, off=()):
    settings.SPOTTER = {"RULES": list(rules), "RULES_OFF": off}
    return [
        (str(each.id)[8:], each.msg, each.hint) for each in rule_checks.check_rules()
    ]


def changed(**changes):
    return dataclasses.replace(LONG, **changes)


def test_what_is_right_is_not_spoken_of(settings):
    assert (
        told(
            settings,
            LONG,
            changed(name="ShopSlow2", expression=Gauge(name="shop.orders.waiting")),
            {"name": "HighCPU", "threshold": 0.9, "for_": 600},
            {"name": "CertificateExpiring", "threshold": 100.0, "clear": 200.0},
            changed(name="HighMemory", because_of=("QueueLong", "DatabaseDown")),
            off=["SlowQueryRegression", "QueueLong"],
        )
        == []
    )


@pytest.mark.parametrize(
    ("given", "id_", "message", "hint"),
    [
        pytest.param("HighCPU", "E064", "neither a Rule nor a dict", '{"name": "HighCPU"', id="no rule"),
        pytest.param({"threshold": 1}, "E064", "neither a Rule nor a dict", "name", id="no name"),
        pytest.param({"name": "HighCpu"}, "E064", "no shipped rule", "Did you mean 'HighCPU'?", id="near miss"),
        pytest.param({"name": "Q"}, "E064", "no shipped rule", "There are: HighErrorRate,", id="no near miss"),
        pytest.param({"name": "HighCPU", "treshold": 1}, "E066", "'treshold', which a rule does not have", "Did you mean 'threshold'?", id="field"),
        pytest.param({"name": "HighCPU", "threshold": "0.9"}, "E067", "threshold = '0.9'", "must be a number.", id="text"),
        pytest.param(changed(for_=-1.0), "E067", "for_ = -1.0", "seconds, 0 or more", id="negative"),
        pytest.param(changed(for_=None), "E067", "for_ = None", "seconds, 0 or more", id="none"),
        pytest.param(changed(threshold=True), "E067", "threshold = True", "must be a number.", id="bool"),
        pytest.param(changed(threshold=float("nan")), "E067", "threshold = nan", "must be a number.", id="nan"),
        pytest.param(changed(clear=10.1), "E068", "would end at 10.1", "`clear` must be below", id="clear above"),
        pytest.param(changed(clear=9.9, below=True), "E068", "would end at 9.9", "`clear` must be above", id="clear below"),
        pytest.param({"name": "HighCPU", "threshold": 0.5}, "E068", "begins at 0.5 and would end at 0.7", "below the threshold", id="a change that leaves clear behind"),
        pytest.param(changed(severity="urgent"), "E069", "severity 'urgent'", "critical, warning, info", id="severity"),
        pytest.param(changed(summary="{vlaue}"), "E100", "asks for {vlaue}", "{value}, {note}, {labels}", id="placeholder"),
        pytest.param(changed(summary="{value"), "E100", "expected '}'", "a brace itself is written twice", id="brace"),
        pytest.param(changed(because_of=("DatabaseDwn",)), "E101", "because of 'DatabaseDwn'", "Did you mean 'DatabaseDown'?", id="cause"),
        pytest.param(changed(because_of="CacheDwn"), "E101", "because of 'CacheDwn'", "'CacheDown'", id="cause as text"),
        pytest.param(changed(name="queue_long"), "E102", "'queue_long', which is not in CamelCase", "QueueLong", id="name"),
        pytest.param(changed(expression=Gauge(name="spotter.task.queue.dept")), "W105", "'spotter.task.queue.dept'", "Did you mean 'spotter.task.queue.depth'?", id="metric"),
        pytest.param(changed(expression=Gauge(name="system.disk.free")), "W105", "does not measure", "by the project's name", id="family"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_what_to_do(settings, given, id_, message, hint):
    ((found, said, advice),) = told(settings, given)
    assert found == id_
    assert message in said
    assert hint in advice


@pytest.mark.parametrize(("clear", "count"), [(9.9, 0), (10, 0), (10.1, 1)])
def test_the_second_limit_may_be_the_first(settings, clear, count):
    assert len(told(settings, changed(clear=clear))) == count


def test_two_rules_of_one_name_are_refused(settings):
    ((found, said, _),) = told(settings, LONG, LONG)
    assert (found, said) == ("E103", "RULES has 2 rules of the name 'QueueLong'.")


@pytest.mark.parametrize(
    ("off", "hint"),
    [
        (["HighCpu"], "Did you mean 'HighCPU'?"),
        ("HighCPU", "RULES_OFF: ['HighCPU']"),
    ],
)
def test_what_is_turned_off_must_be_a_rule(settings, off, hint):
    ((found, _, advice),) = told(settings, off=off)
    assert (found, advice) == ("E104", hint)


def test_manage_py_check_tells_it(settings):
    settings.SPOTTER = {"RULES_OFF": ["Nothing"]}
    found = [each.id for each in run_checks() if isinstance(each, (Error, Warning))]
    assert "spotter.E104" in found


def test_every_check_is_documented():
    source = pathlib.Path(rule_checks.__file__).read_text()
    ids = set(re.findall(r'id="(spotter\.[EW]\d+)"', source))
    assert len(ids) == 11
    assert not [each for each in ids if f"`{each}`" not in REFERENCE.read_text()]


def test_every_family_of_names_has_a_metric():
    assert {"http", "db", "spotter", "system", "process"} <= rule_checks.FAMILIES
    assert all(name.partition(".")[0] in rule_checks.FAMILIES for name in METRICS)


def test_a_rule_that_cannot_be_judged_does_not_keep_the_others_from_firing(caplog):
    wrong = Rule(
        name="Wrong",
        expression=Computed(lambda source, now: [Reading(value=1.0)]),
        threshold="1",  # type: ignore[arg-type]
    )
    world = World(wrong, rule())
    world.tick(Broken=1)
    assert world.channels[0].kinds_sent == ["trigger"]
    assert "the rule Wrong cannot be judged" in caplog.text


def test_a_field_that_rules_do_not_have_does_not_keep_the_watcher_from_watching(
    settings,
):
    settings.SPOTTER = {"RULES": [{"name": "HighCPU", "threshold": 0.9, "x": 1}]}
    book = Book(SqliteStore(MEMORY))
    found = {each.name: each for each in configured_rules(lambda: book)}
    assert found["HighCPU"].threshold == 0.9
