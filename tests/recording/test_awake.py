"""A worker that only probes ask is measured all the same."""

from __future__ import annotations

from django.test import Client

from spotter.recording import buffer


def test_a_probe_begins_the_measuring_of_its_process(monkeypatch):
    woken = []
    monkeypatch.setattr(buffer._flusher, "is_running", False)
    monkeypatch.setattr(buffer._flusher, "wake", lambda: woken.append(1))
    assert Client().get("/health/").status_code == 200
    assert woken == [1]


def test_a_process_that_measures_is_left_alone(monkeypatch):
    woken = []
    monkeypatch.setattr(buffer._flusher, "is_running", True)
    monkeypatch.setattr(buffer._flusher, "wake", lambda: woken.append(1))
    assert Client().get("/health/").status_code == 200
    assert woken == []
