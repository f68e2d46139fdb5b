"""
Take the documentation's pictures of the dashboard: `make screenshots`.

TrainerHub is served from a home of its own and asked for what people ask for, at last
with faults, so that the pictures show what a reader sees who does the same. With Pillow
installed they have a palette and are smaller.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from acceptance.trainerhub_server import CHECKOUT, TrainerHub, running_trainerhub
from tests.servers.trainerhub import manage

try:
    from PIL import Image
except ImportError:  # No dependency of the project's: nothing else needs it.
    Image = None

IMAGES = CHECKOUT / "docs" / "images"
FAULTS = ("n-plus-one", "error-burst", "slow-query", "cache-miss-storm")
ROUTE = "/api/bookings/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One page as one reader sees it; what is below `height` is left out."""

    name: str
    path: str
    width: int = 1440
    height: int = 1400
    scheme: Literal["light", "dark"] = "light"
    #: Links that are followed from there, one after the other.
    follow: tuple[str, ...] = ()


ONE_ROUTE = f"requests/?q={ROUTE}"
TO_ROUTE = "main a[href*='requests/route/']"
# One that failed may have waited for nothing.
TO_EXAMPLE = "main tr:not(:has-text('failed')) a[href*='requests/example/']"
PICTURES = [
    Picture(name="overview-light", path=""),
    Picture(name="overview-dark", path="", scheme="dark"),
    Picture(name="overview-phone", path="", width=390, height=844, scheme="dark"),
    Picture(name="route", path=ONE_ROUTE, follow=(TO_ROUTE,)),
    Picture(
        name="request",
        path=ONE_ROUTE,
        height=900,
        follow=(TO_ROUTE, TO_EXAMPLE),
    ),
    Picture(name="repeated", path="queries/?tab=repeated", height=900),
    Picture(name="cache", path="cache/"),
    Picture(name="hosts", path="hosts/"),
    Picture(name="logs", path="logs/?file=api.log&text=/api/", height=800),
]


def main() -> None:
    """Serve, simulate and take them."""
    options = read_arguments()
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = [
        each for each in PICTURES if not options.only or each.name in options.only
    ]
    with served() as server, chromium() as browser:
        for seconds, faults in (
            (options.seconds * 3 // 4, ()),
            (options.seconds // 4, FAULTS),
        ):
            simulate(server, seconds, faults)
        state = logged_in(browser, server)
        for picture in chosen:
            image = smaller(take(browser, server, state, picture))
            (options.folder / f"{picture.name}.png").write_bytes(image)
            print(f"{picture.name}.png: {len(image) / 1000:.0f} kB", flush=True)


def read_arguments() -> argparse.Namespace:
    """What the command was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=300, help="of traffic, the last quarter faulty"
    )
    parser.add_argument("--only", nargs="*", help="names of pictures")
    parser.add_argument("--folder", type=pathlib.Path, default=IMAGES)
    return parser.parse_args()


@contextlib.contextmanager
def served() -> Iterator[TrainerHub]:
    """TrainerHub with its demo's data, its task worker and its watcher."""
    with tempfile.TemporaryDirectory(prefix="trainerhub-pictures-") as folder:
        home = pathlib.Path(folder)
        (home / "var").mkdir()
        manage(home, "migrate", "--verbosity", "0")
        manage(home, "seed_demo")
        with running_trainerhub(home, LOGIN_THROTTLE_RATE="600/min") as server:
            yield server


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that the tests use."""
    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("chromium is not installed: run `make services`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def simulate(server: TrainerHub, seconds: int, faults: tuple[str, ...]) -> None:
    """Let people, and with faults the server, do as `manage.py simulate` has them."""
    ended = server.manage(
        *("simulate", "--url", server.url, "--rate=12", f"--duration={seconds}"),
        *(f"--fault={fault}" for fault in faults),
        timeout=seconds + 120,
    )
    # 1: something was unexpected, such as a slow machine's time-out; it is in the pictures.
    if ended.returncode not in (0, 1):
        raise SystemExit(ended.stdout + ended.stderr)


def logged_in(browser: Browser, server: TrainerHub) -> pathlib.Path:
    """The file with the cookies of a member of the staff."""
    logins = json.loads((server.home / "var" / "demo-logins.json").read_text())
    page = browser.new_page()
    page.goto(f"{server.url}/spotter/")
    page.fill("input[name=username]", logins["staff"]["email"])
    page.fill("input[name=password]", logins["staff"]["password"])
    page.click("[type=submit]")
    page.wait_for_selector("h1:has-text('Overview')")
    state = server.home / "state.json"
    page.context.storage_state(path=state)
    page.close()
    return state


def take(
    browser: Browser, server: TrainerHub, state: pathlib.Path, picture: Picture
) -> bytes:
    """The picture as a PNG of the browser's, a phone's at its two pixels a point."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": 900},
        color_scheme=picture.scheme,
        device_scale_factor=2 if picture.width < 600 else 1,
        storage_state=state,
    )
    page = context.new_page()
    page.goto(address(server, picture), wait_until="networkidle")
    for link in picture.follow:
        page.locator(link).first.click()
        page.wait_for_load_state("networkidle")
    height = min(picture.height, length(page))
    image = page.screenshot(
        full_page=True,
        clip={"x": 0, "y": 0, "width": picture.width, "height": height},
    )
    context.close()
    return image


def address(server: TrainerHub, picture: Picture) -> str:
    """Where it begins, with the quarter of an hour in which all has happened."""
    joined = "&" if "?" in picture.path else "?"
    return f"{server.url}/spotter/{picture.path}{joined}period=15m"


def length(page: Page) -> int:
    """How long the whole page is, in pixels."""
    return int(page.evaluate("document.documentElement.scrollHeight"))


def smaller(image: bytes) -> bytes:
    """The same in its 256 most frequent colours, as nearly as Pillow finds them."""
    if Image is None:
        return image
    picture = Image.open(io.BytesIO(image)).convert("RGB")
    counted = sorted(picture.getcolors(picture.width * picture.height), reverse=True)
    palette = Image.new("P", (1, 1))
    palette.putpalette([level for _, colour in counted[:256] for level in colour])
    reduced = io.BytesIO()
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(
        reduced, "PNG", optimize=True
    )
    return reduced.getvalue()


if __name__ == "__main__":
    main()
