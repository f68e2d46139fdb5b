"""When a store was lost with what was open in it: nobody's end may go untold."""

from __future__ import annotations

import dataclasses
import logging

from spotter.alerts.book import Book, Page
from spotter.alerts.engine import Engine
from spotter.alerts.spare import Spare

logger = logging.getLogger("spotter.watcher")


def told(engine: Engine) -> list[str]:
    """Alerts that are part of an incident."""
    return [key for key, alert in engine.alerts.items() if alert.incident]


def lost(engine: Engine, page: Page) -> list[str]:
    """Those whose incident is not in the book."""
    return [
        key
        for key in told(engine)
        if page.incident(engine.alerts[key].incident or 0) is None
    ]


def restore(engine: Engine, book: Book, spare: Spare, now: float) -> None:
    """If the store was begun anew, empty, give it what the spare book knows."""
    with book.reading() as page:
        gone = lost(engine, page)
    if not gone or gone != told(engine):
        return
    logger.warning("the store was begun anew: what is open is written to it")
    spare.give_back(book, now)
    with book.reading() as page:
        for key, alert in page.alerts().items():
            mine = engine.alerts.get(key)
            if mine is None or alert.is_firing or not mine.is_firing:
                engine.alerts[key] = alert


def begin_anew(engine: Engine, book: Book, now: float) -> None:
    """Begin incidents that no book has any more, under the keys that receivers know."""
    with book.reading() as page:
        gone = lost(engine, page)
    if not gone:
        return
    alerts = [dataclasses.replace(engine.alerts[key], incident=None) for key in gone]
    with book.writing() as page:
        engine.write(page, alerts, now)
    engine.accept()
