"""A project's signals are counted in one line, and never broken by it."""

from __future__ import annotations

from django.dispatch import Signal

from spotter import recording
from spotter.recording import buffer
from tests.kept import recorded


def test_a_signal_is_counted_each_time_that_it_is_sent(kept):
    placed = Signal()
    recording.count_signal("shop.placed", placed)
    recording.count_signal("shop.placed", placed)
    for _ in range(3):
        placed.send(sender=None)
    assert recorded("shop.placed")[()].sum == 3


def test_labels_are_taken_from_what_was_sent(kept):
    paid = Signal()
    recording.count_signal(
        "shop.paid", paid, labels=lambda **sent: {"how": sent["how"]}
    )
    paid.send(sender=None, how="card")
    assert list(recorded("shop.paid", "how")) == ["card"]


def test_a_counter_is_there_before_its_first_event(kept):
    recording.count_signal("shop.returned", Signal())
    begin()
    assert recorded("shop.returned")[()].sum == 0


def begin() -> None:
    """Let counters begin, as a process does when it begins to measure."""
    for sampler in buffer._flusher._samplers:
        if "count_signal" in sampler.read.__qualname__:
            sampler.read()


def test_labels_that_are_known_are_there_before_their_first_event(kept):
    refused = Signal()
    recording.count_signal(
        "shop.refused",
        refused,
        labels=lambda **sent: {"how": sent["how"]},
        known=[{"how": "card"}, {"how": "cash"}],
    )
    begin()
    assert {
        how: point.sum for how, point in recorded("shop.refused", "how").items()
    } == {"card": 0, "cash": 0}
    refused.send(sender=None, how="card")
    refused.send(sender=None, how="cheque")
    assert {
        how: point.sum for how, point in recorded("shop.refused", "how").items()
    } == {"card": 1, "cash": 0, "cheque": 1}


def test_a_counter_whose_labels_nobody_knows_begins_with_its_first_event(kept):
    recording.count_signal("shop.lost", Signal(), labels=lambda **sent: {"how": "a"})
    begin()
    assert recorded("shop.lost", "how") == {}


def test_labels_that_fail_do_not_fail_the_sender(kept, caplog):
    broken = Signal()
    recording.count_signal("shop.broken", broken, labels=lambda **sent: sent["missing"])
    broken.send(sender=None)
    assert "could not count shop.broken" in caplog.text
