"""What a page is read for: its words, numbers and ways on, by day and at night."""

from __future__ import annotations

import pytest
from django.template import Context

from spotter.alerts.naming import new_name, shown
from spotter.dashboard import format as write
from spotter.dashboard.blocks import Cell, Item, Items
from spotter.dashboard.fixes import advice_on, first_of
from spotter.dashboard.pages.uptime import tone_of
from spotter.dashboard.site import engine
from spotter.dashboard.traffic import name_of
from spotter.dashboard.typography import sentence
from spotter.recorders.api_log import UNMATCHED
from spotter.stores.contract import StoreError

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 %"), (0.0004, "< 0.1 %"), (0.0005, "0.1 %"), (0.0999, "10.0 %"), (0.1, "10 %")],
)  # fmt: skip
def test_nothing_is_written_without_a_decimal(value, text):
    assert write.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(999.4, "999"), (1000, "1,000"), (1309.3, "1,309"), (12.34, "12.3")]
)  # fmt: skip
def test_thousands_are_set_apart_also_of_a_mean(value, text):
    assert write.count(value) == text


@pytest.mark.parametrize(
    ("things", "text"), [(0, "0 lines"), (1, "1 line"), (2, "2 lines"), (1200, "1,200 lines")]
)  # fmt: skip
def test_one_thing_is_not_many(things, text):
    assert write.number_of(things, "line", "lines") == text


def test_a_text_that_is_cut_says_so():
    assert write.short("SELECT 1", 8) == "SELECT 1"
    assert write.short("SELECT 12", 8) == "SELECT…"


def test_what_stands_between_backticks_is_code_and_nothing_is_markup():
    text = str(sentence("Run `manage.py <x>` & wait, <b>now</b>"))
    assert text == (
        "Run <code>manage.py &lt;x&gt;</code> &amp; wait, &lt;b&gt;now&lt;/b&gt;"
    )


def test_a_watcher_is_named_by_its_host_and_process():
    host, process = shown(new_name()).split(", process ")
    assert host
    assert process.isdigit()
    assert shown("web-1") == "web-1"


def test_what_no_route_answers_is_not_called_by_its_label():
    assert name_of(UNMATCHED) == "no such address (404)"
    assert name_of("/api/") == "/api/"


def items(number):
    found = [Item(text=f"line {n}") for n in range(number)]
    template = engine().get_template(Items.file)
    return template.render(
        Context({"block": Items("Evidence", [("Lines", found)], "")})
    )


@pytest.mark.parametrize(("number", "folded"), [(5, ""), (6, "1 more"), (9, "4 more")])
def test_a_long_list_of_evidence_is_folded_after_five(number, folded):
    html = items(number)
    assert html.count("<li") == number
    assert ("<summary>" in html) is bool(folded)
    assert folded in html


def look(client, page):
    return str(client.get(f"/spotter/{page}").content.decode())


@pytest.mark.parametrize(
    ("page", "back", "name"),
    [
        ("requests/route/?route=/api/clients/&period=6h", "requests/?period=6h", "Requests"),
        ("queries/statement/?fingerprint=a&period=6h", "queries/?period=6h", "Queries"),
        ("incidents/one/?id=1", "incidents/", "Incidents"),
    ],
)  # fmt: skip
def test_a_page_of_one_thing_leads_back_to_all_of_them(
    filled, client, page, back, name
):
    link = f'class="back" href="/spotter/{back}"><span aria-hidden="true">‹ </span>{name}</a>'  # noqa: RUF001 (typography)
    assert link in look(client, page)


def test_a_page_of_the_menu_leads_nowhere_back(filled, client):
    assert 'class="back"' not in look(client, "requests/")


def test_an_incident_that_there_is_not_leads_to_those_that_there_are(filled, client):
    page = look(client, "incidents/one/?id=999")
    assert "<h1>Incident 999</h1>" in page
    assert 'class="button" href="/spotter/incidents/">All incidents' in page


def test_a_name_in_the_address_is_no_markup(filled, client):
    assert "<script>alert" not in look(client, "incidents/one/?id=<script>alert(1)")


def test_without_the_store_a_page_leads_to_what_is_left(store, client, monkeypatch):
    def refuse(self, *, write):
        raise StoreError("no room on the disk")

    monkeypatch.setattr(type(store), "transaction", refuse)
    page = look(client, "")
    assert 'class="button" href="/spotter/logs/">Logs' in page
    assert 'class="button" href="/spotter/runbooks/">Runbooks' in page


def test_a_repetition_has_the_name_that_people_know(filled, client):
    page = look(client, "queries/?tab=repeated")
    assert "N+1" in page
    assert "n plus one" not in page


@pytest.mark.parametrize(
    ("share", "tone"),
    [(1.0, "good"), (0.999, "good"), (0.9989, "warn"), (0.99, "warn"), (0.9899, "bad"), (0.0, "bad")],
)  # fmt: skip
def test_an_availability_has_one_colour_in_the_table_and_as_a_bar(share, tone):
    assert tone_of(share) == tone


def test_a_chart_of_nothing_says_so_instead_of_drawing_zeros(store, client):
    page = look(client, "requests/")
    assert page.count("Nothing was measured in this period.") == 2


def test_what_would_spare_next_to_nothing_is_no_fix():
    given = [0.04, 3.0, 0.05, *map(float, range(9))]
    first = first_of([(spared, [Cell("a fix")]) for spared in given])
    assert [spared for spared, _ in first] == [8, 7, 6, 5, 4, 3, 3, 2, 1, 0.05]


@pytest.mark.parametrize("value", [0.8625, 1.125, 0.01245])
def test_what_lies_half_way_is_shown_alike_however_it_was_added_up(value):
    around = (value - 1e-13, value, value + 1e-13)
    assert len({write.seconds(each) for each in around}) == 1


@pytest.mark.parametrize(
    ("statement", "advice"),
    [
        ('SELECT "a" FROM "b"', "An index"),
        ("WITH a AS (SELECT %s) SELECT * FROM a", "An index"),
        ('INSERT INTO "a" VALUES (%s)', "Fewer rows"),
        ('DELETE FROM "a" WHERE "id" IN (…)', "Fewer rows"),
        ("BEGIN IMMEDIATE", "It waits for others' locks"),
        ("COMMIT", "It waits for others' locks"),
        ("statement 1f0c", "An index"),
    ],
)
def test_what_helps_a_statement_depends_on_what_it_does(statement, advice):
    assert advice_on(statement).startswith(advice)
