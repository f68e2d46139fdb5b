"""Where an alert is not as in Prometheus: each difference, said by both."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import yaml

from spotter.alerts.engine import CALM_SECONDS, FLAPS
from spotter.alerts.expressions import Increase
from spotter.alerts.machine import Status, Truth, step
from spotter.alerts.rules import Rule
from tests.alerts.kit import World, rule
from tests.alerts.measured import Measured
from tests.alerts.test_machine import walk

T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
pytestmark = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed"
)


@pytest.fixture
def prometheus(tmp_path):
    """Fail unless Prometheus goes through these states, one each interval."""

    def says(values, states, *, expr="x > 0", for_=0, interval=60):
        every = f"{interval}s"
        alert = {"alert": "R", "expr": expr, "for": f"{for_}s"}
        group = {"name": "g", "interval": every, "rules": [alert]}
        tests = []
        for number, state in enumerate(states):
            for name, letter in (("pending", "p"), ("firing", "f")):
                found = [{"labels": "{}", "value": 1}] if state == letter else []
                expression = f'sum(ALERTS{{alertname="R",alertstate="{name}"}})'
                tests.append(
                    {"expr": expression, "eval_time": f"{number * interval}s", "exp_samples": found}
                )  # fmt: skip
        case = {
            "interval": every,
            "input_series": [{"series": "x", "values": values}],
            "promql_expr_test": tests,
        }
        (tmp_path / "r.yml").write_text(yaml.safe_dump({"groups": [group]}))
        (tmp_path / "t.yml").write_text(
            yaml.safe_dump(
                {
                    "rule_files": ["r.yml"],
                    "evaluation_interval": every,
                    "tests": [case],
                }
            )
        )
        ran = subprocess.run(
            ["promtool", "test", "rules", "t.yml"],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr

    return says


def test_what_nobody_knows_resolves_in_prometheus_and_holds_here(prometheus):
    prometheus("1 1 stale _ _", "ffiii")
    assert walk([T, T, U, U, U])[0] == "fffff"


def test_what_nobody_knows_starts_the_wait_anew_in_prometheus_and_stops_it_here(
    prometheus,
):
    prometheus("1 1 stale 1 1 1", "ppippf", for_=120)
    assert walk([T, T, U, T, T, T], for_=120)[0] == "pppfff"


def test_a_time_without_evaluation_counts_in_prometheus_and_not_here(prometheus):
    """True before and after ten minutes in which nobody looked."""
    prometheus("1 1", "pf", for_=300, interval=600)
    world = World(rule(for_=300.0))
    world.tick(5, Broken=1)
    world.engine.skip(600)
    world.tick(600)
    assert world.channels[0].sent == []
    world.tick(295)
    world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_a_counter_that_begins_with_a_burst_has_not_grown_in_prometheus(prometheus):
    prometheus("_ 50 50 50", "iiii", expr="increase(x[5m]) > 0")
    measured = Measured()
    grown = Rule(name="Grown", expression=Increase(name="x.y", window=300.0))
    assert grown.expression.read(measured, measured.now)[0].value == 0
    measured.count("x.y", 50, {})
    assert grown.expression.read(measured, measured.now)[0].value == 50


def test_a_counter_that_exists_at_0_has_grown_in_both(prometheus):
    prometheus("0 50 50 50", "ifff", expr="increase(x[5m]) > 0")


def test_what_flaps_fires_anew_each_time_in_prometheus_and_is_held_here(prometheus):
    prometheus("1 0 1 0 1 0 1 0", "fifififi")
    world = World()
    states = []
    for number in range(8):
        world.tick(60, Broken=1 - number % 2)
        states.append(next(iter(world.engine.alerts.values())).status.state.value[0])
    assert "".join(states) == "fififfff"
    assert world.channels[0].kinds_sent.count("trigger") == FLAPS
    world.tick(CALM_SECONDS, Broken=0)
    assert not next(iter(world.engine.alerts.values())).is_firing


def test_what_is_held_resolves_at_another_limit_and_in_prometheus_at_the_same(
    prometheus,
):
    prometheus("3 2 1 0", "fiii", expr="x > 2")
    world = World(rule(threshold=2, clear=1))
    states = []
    for value in (3, 2, 1, 0):
        world.tick(60, Broken=value)
        states.append(next(iter(world.engine.alerts.values())).status.state.value[0])
    assert "".join(states) == "ffii"


def test_a_restart_forgets_nothing_where_prometheus_forgets_a_wait_under_ten_minutes():
    """
    Prometheus restores waits of ten minutes and more alone; it was run to see it.

    https://github.com/prometheus/prometheus/issues/15175
    """
    world = World(rule(for_=60.0))
    for _ in range(14):
        world.tick(5, Broken=1)
    world.start()
    world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_a_wait_goes_on_where_it_stood_after_a_restart():
    world = World(rule(for_=60.0))
    for _ in range(8):
        world.tick(5, Broken=1)
    world.start()
    for _ in range(4):
        world.tick(5)
    assert world.channels[0].sent == []
    world.tick(5)
    assert world.channels[0].kinds_sent == ["trigger"]


def test_the_first_look_at_what_nobody_knows_is_no_wait():
    status = step(Status(), U, 1000, for_=60, keep_firing_for=0)
    status = step(status, T, 2000, for_=60, keep_firing_for=0)
    assert status.active_at == 2000
