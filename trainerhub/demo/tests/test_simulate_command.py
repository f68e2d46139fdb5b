"""`manage.py simulate` refuses what it must not touch, and tells how it went."""

from __future__ import annotations

import io
import json
import re

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from knox.models import get_token_model

from trainerhub.demo import logins, seeding
from trainerhub.demo.simulation import people
from trainerhub.demo.tests.contract_server import running_contract_server
from trainerhub.trainers.models import Trainer

pytestmark = pytest.mark.django_db


@pytest.fixture
def server():
    with running_contract_server() as running:
        yield running


@pytest.fixture
def seeded(settings, tmp_path):
    settings.VAR = tmp_path
    call_command("seed_demo", stdout=io.StringIO())


def simulate(url: str, *arguments: str) -> str:
    output = io.StringIO()
    arguments = ("--url", url, "--rate=100000", "--requests=200", *arguments)
    call_command("simulate", *arguments, stdout=output)
    return output.getvalue()


def test_a_clean_run_prints_a_line_for_each_action(server, seeded):
    shown = simulate(server.url)
    # On a slow machine it says how far it is before.
    heading, *lines, total = shown[shown.index("action ") :].splitlines()
    counts = [int(re.split(r"\s{2,}", line)[1]) for line in lines]
    assert (heading.split()[0], sum(counts)) == ("action", 200)
    assert total == "200 requests, 0 unexpected"


def test_the_file_lists_every_request(server, seeded, tmp_path):
    simulate(server.url, "--json", str(tmp_path / "sent.json"))
    sent = json.loads((tmp_path / "sent.json").read_text())
    assert (
        sent["requests"]
        == len(sent["listed"])
        == sum(route["count"] for route in sent["routes"])
    )


def test_an_unexpected_answer_fails_the_command(server, seeded):
    server.statuses["/api/trainers/"] = 503
    with pytest.raises(CommandError, match="answers were unexpected"):
        simulate(server.url)


def test_faults_that_were_ignored_fail_the_command(server, seeded):
    server.carries_out_faults = False
    with pytest.raises(CommandError, match="the server ignored error-burst"):
        simulate(server.url, "--fault=error-burst")


def test_nobody_at_the_address_is_said(seeded):
    with running_contract_server() as gone:
        url = gone.url
    with pytest.raises(CommandError, match="nothing answers"):
        simulate(url)


@pytest.mark.parametrize(
    "url", ["localhost", "ftp://localhost", "http://", "http://x:y"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(CommandError, match="no address"):
        simulate(url)


@pytest.mark.parametrize("host", ["192.0.2.1", "trainerhubb.app", "127.0.0.1.nip.io"])
def test_another_machine_is_refused(host):
    with pytest.raises(CommandError, match="another machine"):
        simulate(f"http://{host}:8000")


def test_production_is_refused(settings, server):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="production"):
        simulate(server.url)


def test_faults_are_refused_when_they_are_off(settings, server):
    settings.FAULTS_ENABLED = False
    with pytest.raises(CommandError, match="TRAINERHUB_FAULTS=1"):
        simulate(server.url, "--fault=slow-query")


def test_without_demo_data_it_says_how_to_get_some(settings, server, tmp_path):
    settings.VAR = tmp_path
    with pytest.raises(CommandError, match="seed_demo"):
        simulate(server.url)


@pytest.mark.parametrize(
    "option",
    ["--rate=0", "--duration=-1", "--fault-share=1.1", "--users=0", "--rate=nan"],
)
def test_a_number_out_of_range_is_refused(option):
    with pytest.raises(CommandError, match="argument"):
        call_command("simulate", option)


def test_tokens_are_taken_back_at_the_end():
    seeding.seed(logins.make())
    with people.gathered({}) as gathered:
        assert len(gathered.trainers) == Trainer.objects.count() == 12
        assert get_token_model().objects.count() == 12 + len(gathered.clients)
    assert not get_token_model().objects.exists()
