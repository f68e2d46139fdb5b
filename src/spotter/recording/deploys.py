"""Marks of deploys: each change of release is written once and read as one."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable

from spotter.entries import Batch, Sample
from spotter.stores.current import get_store

KIND = "deploy"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """
    One change of release.

    Args:
        at: when it began, in Unix seconds.
        previous: the release before; "" for the first.
        host: who saw it.
        url, note: where to read more, and what a person said of it.
    """

    at: float
    release: str
    previous: str = ""
    host: str = ""
    url: str = ""
    note: str = ""


def latest(release: str | None = None) -> Mark | None:
    """
    The latest mark, of any release or of one.

    Raises:
        StoreError: nobody can tell.
    """
    found = get_store().samples(KIND, key=release, limit=1)
    return mark_of(found[0]) if found else None


def write(mark: Mark, after: Mark | None) -> bool:
    """
    Write a mark unless somebody else did: all who saw the same one before agree.

    The store takes a batch once, so that its id decides among processes and hosts.
    """
    seen = "" if after is None else f"{after.release} {after.at!r}"
    return store(mark, f"{mark.release} after {seen}")


def annotate(mark: Mark) -> bool:
    """Say more of a mark that was written already."""
    return store(mark, f"{mark.release} {mark.at!r} {mark.url} {mark.note}")


def store(mark: Mark, claim: str) -> bool:
    """Write it under an id made of the claim; False when that was taken."""
    body = {k: v for k, v in dataclasses.asdict(mark).items() if k != "at"}
    sample = Sample(kind=KIND, key=mark.release, at=mark.at, weight=1, body=body)
    digest = hashlib.sha256(claim.encode()).hexdigest()[:32]
    return get_store().write(Batch(samples=[sample], id=f"deploy-{digest}"))


def marks_of(samples: Iterable[Sample]) -> list[Mark]:
    """Samples as marks, the oldest first; what was said of one later is added to it."""
    marks: list[Mark] = []
    for mark in sorted(map(mark_of, samples), key=lambda each: each.at):
        if marks and marks[-1].release == mark.release:
            known = marks[-1]
            marks[-1] = dataclasses.replace(
                known, url=mark.url or known.url, note=mark.note or known.note
            )
        else:
            marks.append(mark)
    return marks


def mark_of(sample: Sample) -> Mark:
    """A sample as a mark."""
    told = {
        name: str(sample.body.get(name, ""))
        for name in ("previous", "host", "url", "note")
    }
    return Mark(at=sample.at, release=sample.key, **told)
