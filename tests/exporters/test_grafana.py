"""The dashboard asks for what `/metrics/` exposes, in words that Prometheus reads."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from spotter.catalog import METRICS, exposed_name
from spotter.exporters import grafana
from spotter.exporters.yaml import dump

BOARD = json.loads(grafana.main_file("shop", "Shop"))
EXPRESSIONS = [
    target["expr"] for panel in BOARD["panels"] for target in panel["targets"]
]


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_prometheus_reads_every_expression(tmp_path):
    rules = [
        {"record": f"r{number}", "expr": each.replace("$__rate_interval", "5m")}
        for number, each in enumerate(EXPRESSIONS)
    ]
    (tmp_path / "r.yml").write_text(dump({"groups": [{"name": "g", "rules": rules}]}))
    ran = subprocess.run(
        ["promtool", "check", "rules", "r.yml"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_series_is_one_that_spotter_exposes():
    known = set()
    for name, metric in METRICS.items():
        family = exposed_name(name, metric)
        known |= {family, *(f"{family}_{e}" for e in ("total", "count", "sum", "bucket"))}  # fmt: skip
    asked = {name for each in EXPRESSIONS for name in re.findall(r"(\w+)\{", each)}
    assert asked
    assert asked <= known


def test_every_series_is_this_services_own():
    assert all(each.count("{") == each.count('{job="shop"') for each in EXPRESSIONS)


def test_panels_do_not_lie_upon_each_other():
    places = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in BOARD["panels"]}
    assert len(places) == len(BOARD["panels"])
    assert max(p["gridPos"]["x"] + p["gridPos"]["w"] for p in BOARD["panels"]) == 24
