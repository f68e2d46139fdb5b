"""The state of one alert: as Prometheus has it, but that not to know is not false."""

from __future__ import annotations

import pathlib
import random
import shutil
import subprocess

import pytest
import yaml

from spotter.alerts.machine import State, Status, Truth, shifted, step

T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


def walk(trace, *, for_=0.0, keep=0.0, every=60.0, status=None):
    """The states after each evaluation."""
    status, states = status or Status(), []
    for number, truth in enumerate(trace):
        status = step(
            status, truth, 1000 + number * every, for_=for_, keep_firing_for=keep
        )
        states.append(status.state.value[0])
    return "".join(states), status


@pytest.mark.parametrize(
    ("trace", "for_", "keep", "expected"),
    [
        pytest.param([T], 0, 0, "f", id="without a wait it fires at once"),
        pytest.param([T, T], 61, 0, "pp", id="below the wait it is pending"),
        pytest.param([T, T], 60, 0, "pf", id="at the wait it fires"),
        pytest.param([T, T], 59, 0, "pf", id="above the wait it fires"),
        pytest.param([T, F, T], 60, 0, "pip", id="an interruption starts the wait anew"),
        pytest.param([T, F], 0, 0, "fi", id="without keeping it resolves at once"),
        pytest.param([T, F, F], 0, 60, "ffi", id="at the keeping time it resolves"),
        pytest.param([T, F, F], 0, 61, "fff", id="below the keeping time it still fires"),
        pytest.param([T, F, T, F, F], 0, 60, "ffffi", id="the keeping time starts anew"),
        pytest.param([T, U, U, U], 0, 0, "ffff", id="not to know resolves nothing"),
        pytest.param([T, U, U, T], 120, 0, "pppp", id="not to know counts for nothing"),
        pytest.param([T, U, U, T, T], 120, 0, "ppppf", id="and then the wait goes on"),
        pytest.param([T, F, U, U, F], 0, 120, "fffff", id="nor does the keeping time"),
        pytest.param([U, U], 0, 0, "ii", id="what nobody knows does not begin"),
    ],
)  # fmt: skip
def test_a_trace_of_evaluations_gives_these_states(trace, for_, keep, expected):
    assert walk(trace, for_=for_, keep=keep)[0] == expected


def test_it_is_told_since_when_nobody_knows():
    _, status = walk([T, U, U])
    assert status.unknown_since == 1060
    assert step(status, F, 1180, for_=0, keep_firing_for=0).unknown_since is None


def test_a_time_that_must_not_count_moves_what_is_pending():
    _, pending = walk([T], for_=60)
    away = shifted(pending, 3600)
    assert step(away, T, 4659, for_=60, keep_firing_for=0).state is State.PENDING
    assert step(away, T, 4660, for_=60, keep_firing_for=0).state is State.FIRING


def test_a_time_that_must_not_count_leaves_alone_since_when_it_fires():
    _, firing = walk([T])
    assert shifted(firing, 3600).fired_at == 1000
    assert shifted(firing, 3600).active_at == 1000


RULES, STEPS = 60, 40


def traces(chance):
    """Random traces that are true for a while and false for a while."""
    for number in range(RULES):
        value = chance.random() < 0.5
        trace: list[bool] = []
        while len(trace) < STEPS:
            trace += [value] * chance.choice([1, 1, 2, 3, 5, 8])
            value = not value
        yield (
            number,
            trace[:STEPS],
            chance.choice([0, 1, 2, 3, 5]),
            chance.choice([0, 1, 2, 4, 7]),
        )


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_state_is_that_of_prometheus(tmp_path: pathlib.Path, seed):
    """Thousands of evaluations, each compared with what promtool says of it."""
    rules, series, tests = [], [], []
    for number, trace, for_, keep in traces(random.Random(seed)):  # noqa: S311 (traces, no secrets)
        rule = {
            "alert": f"R{number}",
            "expr": f'x{{n="{number}"}} > 0',
            "for": f"{for_}m",
        }
        rules.append({**rule, **({"keep_firing_for": f"{keep}m"} if keep else {})})
        values = " ".join(str(int(value)) for value in trace)
        series.append({"series": f'x{{n="{number}"}}', "values": values})
        states, _ = walk(
            [T if value else F for value in trace], for_=60 * for_, keep=60 * keep
        )
        for minute, state in enumerate(states):
            for name, letter in (("pending", "p"), ("firing", "f")):
                expected = [{"labels": "{}", "value": 1}] if state == letter else []
                expr = f'sum(ALERTS{{alertname="R{number}",alertstate="{name}"}})'
                tests.append(
                    {"expr": expr, "eval_time": f"{minute}m", "exp_samples": expected}
                )
    group = {"name": "g", "interval": "1m", "rules": rules}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [group]}))
    case = {"interval": "1m", "input_series": series, "promql_expr_test": tests}
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [case],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(document))
    ran = subprocess.run(
        ["promtool", "test", "rules", "test.yml"],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[:3000]
    assert len(tests) == RULES * STEPS * 2
