"""Repetitions are told apart: which are needless, and what would spare them."""

from __future__ import annotations

import pytest

from spotter.recorders.queries.attribution import Told
from spotter.recorders.queries.repeats import ENOUGH, advice, find_repeats, grouped
from spotter.spans import QuerySpan

GET = 'SELECT "c"."id" FROM "c" WHERE "c"."id" = %s LIMIT 21'
HERE, THERE = ("/project/views.py", 10, "page"), ("/project/other.py", 3, "other")


def span(sql=GET, parameters=0, site=HERE, alias="default"):
    made = QuerySpan(0.0, sql, alias, "sqlite")
    made.seconds, made.parameters, made.site = 0.001, parameters, site
    return made


def loop(count, *, sql=GET, distinct=True, site=HERE):
    """As captured: the first has not looked where it came from, nor what it asked."""
    first = span(sql, None, None)
    return [first, *(span(sql, n if distinct else 7, site) for n in range(1, count))]


def kinds(spans):
    return [repeat.kind for repeat in find_repeats(grouped(spans).values())]


@pytest.mark.parametrize(
    ("count", "found"),
    [(ENOUGH - 1, []), (ENOUGH, ["n_plus_one"]), (ENOUGH + 1, ["n_plus_one"])],
)
def test_a_statement_for_each_object_is_found_from_five_on(count, found):
    assert kinds(loop(count)) == found


def test_the_same_answer_again_and_again_is_a_duplicate():
    assert kinds(loop(6, distinct=False)) == ["duplicate_read"]


def test_a_slow_first_time_that_knows_its_line_is_a_duplicate_too():
    spans = loop(6, distinct=False)
    spans[0].site = HERE
    assert kinds(spans) == ["duplicate_read"]


def test_without_a_line_of_the_project_a_duplicate_is_one_too():
    assert kinds(loop(6, distinct=False, site=None)) == ["duplicate_read"]
    assert kinds(loop(6, site=None)) == ["n_plus_one"]


def test_values_that_are_written_into_the_text_are_told_apart():
    spans = [span(GET.replace("%s", str(number)), None) for number in range(6)]
    assert kinds(spans) == ["n_plus_one"]


@pytest.mark.parametrize(
    "verb", ["INSERT INTO c (x) VALUES (%s)", "UPDATE c SET x = %s"]
)
def test_a_write_for_each_object_is_a_write_loop(verb):
    assert kinds(loop(6, sql=verb)) == ["write_loop"]


def test_reading_and_writing_on_one_line_is_a_get_or_create_loop():
    spans = loop(6) + loop(6, sql="INSERT INTO c (x) VALUES (%s)")
    assert kinds(spans) == ["get_or_create_loop"]


@pytest.mark.parametrize(
    "spans",
    [
        loop(6, sql=f"SELECT 1 WHERE id IN ({', '.join(['%s'] * 10)})"),
        [span("SELECT 1 LIMIT 10 OFFSET " + str(n), site=None) for n in range(6)],
        loop(6, sql="INSERT INTO c (x) VALUES (%s), (%s)"),
        loop(6, sql='SAVEPOINT "s1_x1"'),
    ],
    ids=["batches", "pages", "many rows at once", "savepoints"],
)
def test_good_repetitions_are_passed_over(spans):
    assert kinds(spans) == []


@pytest.mark.parametrize(
    ("every", "seconds", "found"),
    [
        (0.01, 0.001, ["n_plus_one"]),
        (0.4, 0.001, ["n_plus_one"]),
        (2.0, 1.9, ["n_plus_one"]),
        (1.0, 0.001, []),
        (60.0, 0.001, []),
    ],
)
def test_who_looks_for_work_now_and_then_is_in_no_loop(every, seconds, found):
    spans = loop(20)
    for number, each in enumerate(spans):
        each.started, each.seconds = number * every, seconds
    assert kinds(spans) == found


def test_lines_that_ask_the_same_are_no_loop_together():
    assert kinds(loop(3, site=HERE) + loop(3, site=THERE)) == []


def test_the_first_of_two_loops_belongs_to_the_line_that_asked_next():
    repeats = find_repeats(
        grouped(loop(5, site=THERE) + loop(9, site=HERE)[1:]).values()
    )
    assert {r.site.rpartition(" ")[2]: r.count for r in repeats} == {
        "other": 5,
        "page": 8,
    }


def test_the_first_of_a_loop_is_not_of_a_line_that_asked_once():
    first, *others = loop(5, site=HERE)
    (found,) = find_repeats(grouped([first, span(site=THERE), *others]).values())
    assert (found.site.rpartition(" ")[2], found.count) == ("page", 5)


def test_aliases_are_kept_apart():
    spans = [span(parameters=n, alias="ab"[n % 2]) for n in range(8)]
    assert kinds(spans) == []


def test_a_repetition_tells_where_and_how_much():
    (found,) = find_repeats(grouped(loop(7)).values())
    assert found.count == 7
    assert found.seconds == pytest.approx(0.007)
    assert found.site == "/project/views.py:10 page"


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("relation", 'select_related("client")'),
        ("related", 'prefetch_related("client")'),
        ("get", "in_bulk()"),
        ("count", "Count("),
        ("", "one query before it"),
    ],
)
def test_advice_names_what_to_write(operation, said):
    told = Told(operation=operation, relation="Booking.client")
    assert said in advice("n_plus_one", told)
