"""Whatever a channel does, sending ends."""

from __future__ import annotations

import threading

import pytest

from spotter.channels import DeliveryError
from spotter.channels.deadline import Deadline
from spotter.rescue import ignore, is_ignoring
from tests.servers.processes import wait_until


def until(over: threading.Event) -> None:
    """Hang."""
    over.wait()


def runs(deadline: Deadline) -> bool:
    """Whether it takes work again."""
    try:
        deadline.run(lambda: None)
    except DeliveryError:
        return False
    return True


def test_what_hangs_is_given_up_and_nothing_is_begun_until_it_returns():
    deadline, over = Deadline(0.05), threading.Event()
    with pytest.raises(DeliveryError, match="no answer within") as caught:
        deadline.run(lambda: until(over))
    assert not caught.value.permanent
    with pytest.raises(DeliveryError, match="still hangs"):
        deadline.run(lambda: None)
    over.set()
    wait_until(lambda: runs(deadline), 10, "its end")


def test_what_it_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        Deadline().run(lambda: 1 // 0)  # type: ignore[arg-type]


def test_a_time_out_of_a_librarys_own_is_not_taken_for_the_deadline():
    def work() -> None:
        raise TimeoutError("the library's")

    with pytest.raises(TimeoutError, match="the library's"):
        Deadline().run(work)


def test_what_is_ignored_here_is_ignored_there():
    seen = []
    with ignore():
        Deadline().run(lambda: seen.append(is_ignoring()))
    assert seen == [True]
