"""The documentation's pictures are there, are small, and are those that are taken."""

from __future__ import annotations

import re

import pytest

from acceptance.trainerhub_server import CHECKOUT
from scripts.screenshots import IMAGES, PICTURES

DOCUMENTS = [CHECKOUT / "README.md", *(CHECKOUT / "docs").rglob("*.md")]


def shown() -> dict[str, set[str]]:
    """The names of pictures with the texts that stand for them."""
    found: dict[str, set[str]] = {}
    for document in DOCUMENTS:
        text = document.read_text()
        for alt, name in re.findall(
            r"!\[([^\]]*)\]\([^)]*images/([\w-]+)\.png\)", text
        ):
            found.setdefault(name, set()).add(alt)
        for name, alt in re.findall(
            r'<img src="[^"]*images/([\w-]+)\.png"(.*?)>', text
        ):
            found.setdefault(name, set()).add(alt.partition('alt="')[2].strip('"'))
    return found


def test_each_picture_that_is_shown_is_there():
    assert set(shown()) <= {path.stem for path in IMAGES.glob("*.png")}


def test_each_picture_that_is_shown_is_said_in_words():
    assert all(alt for alts in shown().values() for alt in alts)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_each_picture_that_is_taken_is_shown_and_small(picture):
    assert picture.name in shown()
    assert (IMAGES / f"{picture.name}.png").stat().st_size < 150_000
