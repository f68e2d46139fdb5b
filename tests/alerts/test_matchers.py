"""Matchers of silences: what they match, what is refused."""

from __future__ import annotations

import pytest

from spotter.alerts.matchers import (
    MAX_MATCHERS,
    MAX_VALUE,
    Matcher,
    MatcherError,
    parse,
    written,
)

LABELS = {"rule": "HighCPU", "host.name": "web-12"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rule=HighCPU", True),
        ("rule=HighMemory", False),
        ('rule=~.+, rule!="HighCPU"', False),
        ("rule=HighCPU, mount!=/", True),
        ("host.name=~web-.+", True),
        ('host.name=~"web-\\d+"', True),
        ("host.name=~web", False),  # the whole value, as in Alertmanager
        ('rule=~"HighCPU|HighMemory"', True),
        ("rule=~.+, host.name!~web-.*", False),
        ("rule=HighCPU,host.name=db-1", False),
        ("rule = HighCPU", True),
    ],
)
def test_a_matcher_compares_as_alertmanager_does(text, expected):
    assert all(each.matches(LABELS) for each in parse(text)) is expected


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "HighCPU", "rule", "rule=", "=x", "rule==x y,,", "rule=~(", "rule>3",
        "mount!=/", "rule=~.*", 'rule=""',
        "rule=~(a+)+", "rule=~(a|a)*", 'rule=~"a{2}b*c*d*e*"', "rule=~(?=a)b", r"rule=~(a)\1",
        "rule=" + "x" * (MAX_VALUE + 1),
        ",".join(["rule=x"] * (MAX_MATCHERS + 1)),
    ],
)  # fmt: skip
def test_what_is_no_matcher_would_mute_everything_or_never_end_is_refused(text):
    with pytest.raises(MatcherError) as refused:
        parse(text)
    assert len(str(refused.value)) > 20


@pytest.mark.parametrize(
    "text",
    [
        "rule=~.+",
        r'a=~"[(a+)+]\(x\)+"',
        'rule=~"(?:A|B).*"',
        "rule=" + "x" * MAX_VALUE,
        ",".join(["rule=x"] * MAX_MATCHERS),
        r'rule=~"ea*b*c*d*"',
    ],
)
def test_what_can_be_used_is_taken(text):
    assert parse(text)


def test_what_is_written_is_read_back():
    matchers = [Matcher("a", "=", 'x "y", \\z'), Matcher("b.c", "!~", r"\d+")]
    assert parse(written(matchers)) == matchers
