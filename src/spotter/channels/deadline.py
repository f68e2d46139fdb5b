"""A limit for how long sending may take, whatever a channel or a library does."""

from __future__ import annotations

import concurrent.futures
import contextvars
import threading
from collections.abc import Callable

from spotter.channels.channel import DeliveryError

#: Longer than the time-outs of the channels' own, shorter than an outbox's lease.
SEND_SECONDS = 30.0


class Deadline:
    """
    Gives up waiting after some seconds.

    Nothing can end a thread that hangs. It is left alone, and until it returns nothing
    else is begun: one channel never holds more than one.
    """

    def __init__(self, seconds: float = SEND_SECONDS) -> None:
        self.seconds = seconds
        self._hanging: threading.Thread | None = None

    def run(self, work: Callable[[], None]) -> None:
        """
        Do it, and raise what it raises.

        Raises:
            DeliveryError: it took too long; it may still arrive.
        """
        if self._hanging is not None and self._hanging.is_alive():
            raise DeliveryError("the last message still hangs in it")
        done: concurrent.futures.Future[None] = concurrent.futures.Future()
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(settle, done, work), daemon=True
        )
        thread.start()
        try:
            done.result(self.seconds)
        except concurrent.futures.TimeoutError as error:
            if done.done():
                raise  # A library's own, which is the same class.
            self._hanging = thread
            raise DeliveryError(f"no answer within {self.seconds:g} s") from error


def settle(done: concurrent.futures.Future[None], work: Callable[[], None]) -> None:
    """Do it and hand over the outcome."""
    try:
        work()
    except BaseException as error:  # noqa: BLE001 (raised again by whoever waits)
        done.set_exception(error)
    else:
        done.set_result(None)
