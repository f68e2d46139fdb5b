"""`manage.py spotter rules test`: over given series, and over what was recorded."""

from __future__ import annotations

import io
import pathlib
import re
import time

import pytest
from django.core.management import CommandError, call_command

from spotter.alerts.trial_file import PART, expanded, read
from spotter.entries import Batch, Series
from spotter.stores.current import get_store

HOWTO = pathlib.Path(__file__).parents[2] / "docs" / "howto" / "test-a-rule.md"
START = '[[test]]\nrule = "HighCPU"\n'
EXPECT = '[[test.expect]]\nat = "1m"\nstate = "inactive"\n'


def run(*arguments):
    out = io.StringIO()
    try:
        call_command("spotter", "rules", "test", *map(str, arguments), stdout=out)
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "alerts.toml"
        path.write_text(text)
        return path

    return write


def from_howto():
    found = re.search(r"```toml\n(.*?)```", HOWTO.read_text(), re.DOTALL)
    assert found
    return found[1]


def test_the_file_of_the_howto_passes(file):
    code, text = run(file(from_howto()))
    assert code == 0, text
    assert "2 of 2 tests passed" in text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("value = 0.142857143", "value = 0.2", "after 480 s its value is 14.3 %, not 20 %"),
        ('at = "8m"\nstate = "pending"', 'at = "8m"\nstate = "firing"', "it is pending, not firing"),
        ("set = { threshold = 0.9 }", "", "after 300 s it is firing, not inactive"),
        ("95 % of the disk", "96 % of the disk", "not '96 % of the disk'"),
        ("0+50x2", "0+0x2", "after 480 s it is inactive, not firing"),
    ],
)  # fmt: skip
def test_what_is_not_as_expected_fails_and_is_told_with_its_line(file, old, new, told):
    text = from_howto()
    assert old in text
    path = file(text.replace(old, new))
    code, said = run(path)
    assert code == 1
    assert told in said
    assert re.search(rf"{path}:\d+: ", said)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("[[test]\n", "is no TOML", id="no TOML"),
        pytest.param("", r"must consist of \[\[test\]\] tables", id="empty"),
        pytest.param("a = 1", "must consist of", id="something else"),
        pytest.param(f"\n{EXPECT}", "must consist of|is no TOML|rule is None", id="no rule"),
        pytest.param(START, "the test in line 1: it expects nothing", id="no expectation"),
        pytest.param(f"\n\n{START}rul = 1\n{EXPECT}", "test in line 3: a test has no 'rul'", id="unknown name"),
        pytest.param(f"{START}interval = '5 min'\n{EXPECT}", "interval is '5 min'; write it as 30s", id="interval"),
        pytest.param(START + EXPECT.replace("inactive", "on"), "state is 'on'; it is one of inactive, pending, firing", id="state"),
        pytest.param(START + '[[test.expect]]\nstate="firing"', "must say when", id="no time"),
        pytest.param(START + EXPECT + "[[test.series]]\nseries='a{b}'\nvalues='1'", "labels of 'a{b}' are wrong at 'b'", id="labels"),
        pytest.param(START + EXPECT + "[[test.series]]\nseries='a b'\nvalues='1'", "the series 'a b' is none", id="series"),
        pytest.param(START + EXPECT + "[[test.series]]\nseries='a'\nvalues='1 two'", "the value 'two' is none", id="values"),
        pytest.param(START + EXPECT + "[[test.series]]\nseries='a'\nvalues='0x99999999'", "too many samples", id="samples"),
        pytest.param(f"{START}set = {{severity = 1}}\n{EXPECT}", "severity = 1 can't be set", id="field"),
        pytest.param(START.replace("HighCPU", "HiCPU") + EXPECT, "There is no rule 'HiCPU'; there are HighErrorRate, ", id="rule"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_with_the_place(file, text, told):
    with pytest.raises(CommandError, match=told) as refused:
        run(file(text))
    assert refused.value.returncode == 2


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"no.toml can't be read: No such file"):
        run(tmp_path / "no.toml")


@pytest.mark.parametrize(
    ("notation", "values"),
    [
        ("1", [1]),
        ("1x3", [1, 1, 1, 1]),
        ("0+10x3", [0, 10, 20, 30]),
        ("5-1x2", [5, 4, 3]),
        ("-2+0.5x1", [-2, -1.5]),
        ("_", [None]),
        ("_x3", [None, None, None]),
        ("stale", [None]),
        ("1e-3x1", [0.001, 0.001]),
    ],
)
def test_values_are_written_as_promtool_has_them(notation, values):
    match = PART.fullmatch(notation)
    assert match
    assert expanded(match) == pytest.approx(values)


def test_labels_may_hold_what_is_escaped_and_commas(file):
    text = (
        START
        + EXPECT
        + r"""
[[test.series]]
series = 'a{x="one, \"two\"",y.z="}"}'
values = "1"
"""
    )
    (test,) = read(file(text))
    assert test.series[0].labels == {"x": 'one, "two"', "y.z": "}"}


def test_a_missing_value_is_not_known_and_holds_what_fires(file):
    text = """
[[test]]
rule = "DatabaseDown"
interval = "10s"
[[test.series]]
series = 'spotter.health_check.up{check="database",kind="database"}'
values = "0x6 _x30"
[[test.expect]]
at = "1m"
state = "firing"
[[test.expect]]
at = "5m"
state = "firing"
"""
    assert run(file(text))[0] == 0


def test_a_projects_own_counter_is_read_as_the_rule_reads_it(file, settings):
    from spotter.alerts.expressions import Increase
    from spotter.alerts.rules import Rule

    own = Rule(name="PaymentsFail", expression=Increase(name="shop.failed", window=600.0), threshold=5)  # fmt: skip
    settings.SPOTTER = {"RULES": [own]}
    text = """
[[test]]
rule = "PaymentsFail"
[[test.series]]
series = "shop.failed"
values = "0+1x5 5+2x1"
[[test.expect]]
at = "5m"
state = "inactive"
value = 5
[[test.expect]]
at = "7m"
state = "firing"
value = 7
"""
    code, said = run(file(text))
    assert code == 0, said


# The past.


@pytest.fixture
def recorded(tmp_path, settings):
    """An hour and a half of requests, with two bursts of errors in it."""
    settings.SPOTTER = {
        "STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
        "FLUSH_SECONDS": 3600.0,
    }
    now = time.time()
    batch = Batch()
    for minute in range(90):
        at = now - 60 * (90 - minute)
        is_bad = 20 <= minute < 25 or 60 <= minute < 63
        for status, count in (("200", 90), ("500", 10 if is_bad else 0)):
            labels = {"http.route": "/a/", "http.response.status_code": status}
            point = batch.point(Series.of("http.server.request.duration", labels), at)
            for _ in range(count):
                point.observe(0.01)
    get_store().write(batch)
    return now


def test_the_past_tells_when_a_rule_would_have_fired(recorded):
    code, text = run("--recorded", "90m", "--rule", "HighErrorRate")
    assert code == 0
    assert "HighErrorRate (> 1 % for 60 s): would have fired 2 times" in text
    lines = [line for line in text.splitlines() if line.startswith("  from ")]
    assert all("at worst" in line and " min, " in line for line in lines)
    assert len(lines) == 2


def test_with_another_threshold_it_would_not_have(recorded):
    _, text = run(
        "--recorded", "90m", "--rule", "HighErrorRate", "--set", "threshold=0.2"
    )
    assert "HighErrorRate (> 20 % for 60 s): would have fired never" in text


def test_a_stretch_may_have_a_beginning_and_an_end(recorded):
    from spotter.channels.notice import clock

    begin, end = (clock(recorded - 60 * m)[:19].replace(" ", "T") for m in (80, 55))
    _, text = run("--recorded", begin, "--until", end, "--rule", "HighErrorRate")
    assert "would have fired 1 time\n" in text


def test_every_rule_that_looks_at_measurements_is_replayed(recorded):
    _, text = run("--recorded", "5m")
    assert "SlowResponses" in text
    assert "BackupMissing" not in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--recorded", "soon"], "'soon' is no time; write 24h"),
        (["--recorded", "9d"], "the last day"),
        (["--recorded", "2020-01-02", "--until", "2020-01-01"], "begin before it ends"),
        (["--recorded", "1h", "--rule", "BackupMissing"], "its past is not recorded"),
        (["--recorded", "1h", "--rule", "HighCpu"], "no rule 'HighCpu'"),
        (["--recorded", "1h", "--set", "threshold"], "write FIELD=NUMBER"),
        (["--recorded", "1h", "--set", "name=3"], "name = 3.0 can't be set"),
        (["--recorded", "1h", "--set", "threshold=nan"], "threshold = nan can't be set"),
        (["--recorded", "1h", "x.toml"], "files or --recorded, not both"),
        ([], "Name a file of tests"),
    ],
)  # fmt: skip
def test_what_cannot_be_replayed_is_refused(recorded, arguments, told):
    with pytest.raises(CommandError, match=told):
        run(*arguments)


def test_the_list_of_rules_is_what_it_was(recorded):
    out = io.StringIO()
    call_command("spotter", "rules", stdout=out)
    assert out.getvalue().splitlines()[0].split()[:3] == ["RULE", "SEVERITY", "LIMIT"]
