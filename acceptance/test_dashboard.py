"""The real dashboard in a real browser, while the real server misbehaves."""

from __future__ import annotations

import json
import time
import urllib.parse

import psutil
import pytest
from playwright.sync_api import Page, sync_playwright

from acceptance.trainerhub_server import TrainerHub, get, running_trainerhub
from tests.servers.processes import program, wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.long, pytest.mark.timeout(300)]
#: What the overview calls each fault of `manage.py simulate`, and a word it must say.
NAMES = {
    "n-plus-one": ("n_plus_one", "Booking.client"),
    "slow-query": ("slow_query", "WITH RECURSIVE busy"),
    "error-burst": ("errors", "DemonstrationError"),
    "cache-miss-storm": ("cache_misses", "demonstration"),
    "slow-endpoint": ("slow_requests", "over 2 s"),
    "memory-growth": ("memory_growth", "grows"),
}
#: Kinds that nothing but a fault makes; a slow machine is slow without any.
SURE = {"n_plus_one", "errors", "cache_misses"}
PAGES = [
    *("", "requests/", "queries/", "queries/?tab=repeated", "cache/", "tasks/"),
    *("outgoing/", "hosts/", "uptime/", "logs/", "self/"),
    *("alerts/", "incidents/", "silences/", "silences/?matchers=rule%3DHighCPU"),
]


@pytest.fixture(scope="module")
def server(seeded_home):
    with running_trainerhub(seeded_home(), LOGIN_THROTTLE_RATE="600/min") as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    path = program("chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(path), args=["--no-sandbox"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(
    scope="module", params=[(1440, "light"), (390, "dark")], ids=["desk", "phone"]
)
def page(request, server, browser):
    """A page of a member of the staff who has logged in."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = context.new_page()
    log_in(page, server)
    yield page
    context.close()


@pytest.fixture(scope="module")
def desk(server, browser):
    """A page of the staff on a large screen."""
    context = browser.new_context()
    page = context.new_page()
    log_in(page, server)
    yield page
    context.close()


def log_in(page: Page, server: TrainerHub) -> None:
    staff = json.loads((server.home / "var" / "demo-logins.json").read_text())["staff"]
    page.goto(f"{server.url}/spotter/")
    page.fill("input[name=username]", staff["email"])
    page.fill("input[name=password]", staff["password"])
    page.click("[type=submit]")
    page.wait_for_selector("h1:has-text('Overview')")


def complaints(page: Page, address: str) -> list[str]:
    """What the browser says against a page, its policy included."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address, wait_until="networkidle")
    return said


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_has_nothing_against_a_page(server, page, path):
    said = complaints(page, f"{server.url}/spotter/{path}")
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def draw(server: TrainerHub, desk: Page) -> None:
    """Ask the server something, and open the overview with the charts of that."""
    server.manage("simulate", "--url", server.url, "--rate=50", "--requests=100")
    overview = f"{server.url}/spotter/?period=15m"

    def is_drawn() -> bool:
        desk.goto(overview, wait_until="networkidle")
        return bool(desk.locator(".chart canvas").count() == 2)

    wait_until(is_drawn, 30, "charts of what was just asked")


@pytest.fixture(scope="module")
def asked(server, desk):
    """The server has been asked something, which its pages show."""
    draw(server, desk)


@pytest.mark.parametrize(
    "way",
    [
        ("requests/", "requests/route", "requests/example"),
        ("queries/", "queries/statement"),
        ("alerts/", "runbooks"),
    ],
    ids=lambda way: way[-1],
)
def test_a_browser_has_nothing_against_what_a_page_leads_to(server, asked, page, way):
    first, *others = way
    said = complaints(page, f"{server.url}/spotter/{first}?period=15m")
    for each in others:
        href = page.locator(f'main a[href*="/spotter/{each}"]').first.get_attribute(
            "href"
        )
        said += complaints(page, urllib.parse.urljoin(server.url, href))
        assert said == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_charts_are_drawn_and_read_as_tables(server, desk):
    draw(server, desk)
    desk.locator("summary").first.click()
    assert desk.locator("details[open] tbody tr").count() > 10


#: Counts the plots that listen for a change of the screen, as each does while it lives.
COUNT_PLOTS = """
window.plots = 0;
for (const [name, change] of [["addEventListener", 1], ["removeEventListener", -1]]) {
  const original = window[name];
  window[name] = function (type, ...rest) {
    if (type === "dppxchange") window.plots += change;
    return original.call(window, type, ...rest);
  };
}
"""
REFRESH = """() => new Promise((done) => {
  document.body.addEventListener("htmx:afterSettle", () => setTimeout(done), { once: true });
  document.body.dispatchEvent(new Event("spotter:refresh"));
})"""


def test_a_page_lets_go_of_its_charts_when_it_draws_them_anew(server, desk):
    desk.add_init_script(COUNT_PLOTS)
    draw(server, desk)
    before = desk.evaluate("plots")
    assert before >= 2
    for _ in range(3):
        desk.evaluate(REFRESH)
    for _ in range(2):
        desk.click("#theme")
    assert desk.evaluate("plots") == before
    assert desk.locator(".chart canvas").count() == 2


def test_the_keyboard_reaches_the_filter_and_the_page(server, page):
    page.goto(f"{server.url}/spotter/requests/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.goto(f"{server.url}/spotter/requests/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


def test_the_theme_that_was_chosen_is_kept(server, page):
    page.goto(f"{server.url}/spotter/")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    page.goto(f"{server.url}/spotter/hosts/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.click("#theme")


def test_a_new_line_comes_to_the_open_page_of_the_logs(server, desk, browser):
    context = browser.new_context(storage_state=desk.context.storage_state())
    tail = context.new_page()
    tail.clock.install()
    tail.goto(f"{server.url}/spotter/logs/?file=api.log", wait_until="networkidle")
    tail.evaluate("window.isTheSame = true")
    asked = "/asked-while-somebody-looks/"
    assert tail.locator(f".loglines >> text={asked}").count() == 0
    assert get(f"{server.url}{asked}").status_code == 404
    log = server.home / "logs" / "api.log"
    wait_until(lambda: asked in log.read_text(), 10, "its line in api.log")
    tail.clock.fast_forward(10_000)
    tail.wait_for_selector(f".loglines >> text={asked}")
    assert tail.evaluate("window.isTheSame")
    context.close()


def age(server: TrainerHub) -> float:
    """How many seconds ago it was started."""
    return time.time() - psutil.Process(server.process.pid).create_time()


def told(page: Page, server: TrainerHub) -> dict[str, list[str]]:
    """What the overview says, as one opens it: the texts of each kind."""
    page.goto(f"{server.url}/spotter/")
    said: dict[str, list[str]] = {}
    for finding in page.locator("[data-kind]").all():
        kind = finding.get_attribute("data-kind") or ""
        said.setdefault(kind, []).append(finding.inner_text())
    return said


@pytest.fixture(scope="module")
def faulted() -> set[str]:
    """The kinds of faults that this server has had, which are told for minutes."""
    return set()


@pytest.mark.parametrize("fault", NAMES)
def test_a_fault_is_on_the_overview_within_half_a_minute(
    server: TrainerHub, desk: Page, faulted: set[str], fault: str
):
    if fault == "memory-growth":
        # What a process imports in its first minute is no growth: the second window of
        # the overview is the first that counts, and begins after a minute at most.
        wait_until(lambda: age(server) > 75, 90, "a server that has been measured")
    traffic = ("simulate", "--url", server.url)
    good = server.manage(*traffic, "--rate=100", "--requests=100")
    assert good.returncode == 0, good.stdout + good.stderr
    before = told(desk, server)
    ended = server.manage(
        *(*traffic, "--rate=40", "--requests=70"),
        *(f"--fault={fault}", "--fault-share=0.5"),
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    kind, word = NAMES[fault]
    faulted.add(kind)
    found: dict[str, list[str]] = {}

    def is_named() -> bool:
        found.clear()
        found.update(told(desk, server))
        return any(word in text for text in found.get(kind, ()))

    wait_until(is_named, 30, f"the overview naming {fault}")
    # Of what was there before some is told yet, and of much not all at any time.
    wrong = SURE - {*faulted, *before}
    assert not wrong & set(found), found
