"""`manage.py spotter export`: what it writes, and what it says when it can't."""

from __future__ import annotations

import io

import pytest
import yaml
from django.core.management import CommandError, call_command

from spotter.channels import Slack


def export(*arguments):
    out = io.StringIO()
    call_command("spotter", "export", *arguments, stdout=out)
    return out.getvalue()


def test_without_a_folder_the_main_file_is_printed():
    document = yaml.safe_load(export("prometheus", "--job", "shop"))
    assert document["groups"][0]["name"] == "spotter-shop"


def test_the_settings_rules_are_what_is_exported(settings):
    settings.SPOTTER = {
        "RULES": [{"name": "HighCPU", "threshold": 0.93}],
        "RULES_OFF": ["HighMemory"],
    }
    text = export("prometheus")
    assert "> 0.93" in text
    assert "HighMemory" not in text


def test_a_folder_gets_every_file(tmp_path):
    export("prometheus", "--output", str(tmp_path / "new"))
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == ["prometheus.yml", "spotter.rules.test.yml", "spotter.rules.yml"]


def test_it_is_scraped_where_people_reach_it(settings, tmp_path):
    settings.SPOTTER = {
        "PUBLIC_URL": "https://shop.example.com/spotter/",
        "PROBE_PREFIX": "ops",
        "TOKEN": "t" * 40,
        "METRICS_ACCESS": "token",
    }
    export("prometheus", "--output", str(tmp_path))
    text = (tmp_path / "prometheus.yml").read_text()
    (scrape,) = yaml.safe_load(text)["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": ["shop.example.com"]}]
    assert (scrape["scheme"], scrape["metrics_path"]) == ("https", "/ops/metrics/")
    assert "t" * 40 not in text
    assert scrape["authorization"]["credentials_file"].endswith("spotter-token")


def test_channels_are_taken_from_the_settings(settings):
    settings.SPOTTER = {
        "CHANNELS": [Slack(url="https://hooks.slack.com/services/x")],
        "ENVIRONMENT": "production",
    }
    text = export("alertmanager")
    assert "api_url_file: /etc/alertmanager/secrets/slack" in text


def test_charts_are_printed_as_json():
    assert export("grafana", "--job", "shop").startswith("{")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="file can't be written: "):
        export("grafana", "--output", str(tmp_path / "file"))
