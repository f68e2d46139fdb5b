"""Statements that differ in their values are one; others are not."""

from __future__ import annotations

import pytest

from spotter import fingerprints
from spotter.fingerprints import (
    BATCH,
    MAX_SQL,
    Statement,
    fold,
    likeness,
    statement_of,
)

SELECT = 'SELECT "a"."id" FROM "a" WHERE '


def ins(count):
    return f'{SELECT}"a"."id" IN ({", ".join(["%s"] * count)})'


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ins(1), ins(5000)),
        (f"{SELECT}x = %s LIMIT 21", f"{SELECT}x = %s LIMIT 5"),
        (f"{SELECT}x = %s LIMIT 5 OFFSET 5", f"{SELECT}x = %s LIMIT 5 OFFSET 10"),
        (f"{SELECT}x = 'ann'", f"{SELECT}x = 'o''hara'"),
        (f"{SELECT}x = 17", f"{SELECT}x = -4.5"),
        (f"{SELECT}(x = %s OR x = %s)", f"{SELECT}(x = %s OR  x = %s)"),
        (f"{SELECT}((x = %s) OR (x = %s))", f"{SELECT}((x = %s) OR (x = %s) OR (x = %s))"),
        (
            "UPDATE t SET a = CASE WHEN (id = %s) THEN %s ELSE NULL END",
            "UPDATE t SET a = CASE WHEN (id = %s) THEN %s WHEN (id = %s) THEN %s ELSE NULL END",
        ),
        ("INSERT INTO t VALUES (%s, %s), (%s, %s)", "INSERT INTO t VALUES (%s, %s), (%s, %s), (%s, %s)"),
        ('SAVEPOINT "s140_x1"', 'SAVEPOINT "s77_x12"'),
        (f"{SELECT}x = %s", f"{SELECT}x = %s /*traceparent='00-1-2'*/"),
        (f"{SELECT}x = %s", f'{SELECT}x = "ann@example.com"'),
        ("SELECT a FROM `a` WHERE x = %s", 'SELECT a FROM `a` WHERE x = "ann"'),
        ("SELECT a FROM `a` WHERE x IN (%s)", 'SELECT a FROM `a` WHERE x IN ("a", "b")'),
    ],
)  # fmt: skip
def test_values_do_not_make_another_statement(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{SELECT}x = %s", f"{SELECT}y = %s"),
        (f"{SELECT}x = %s", f"{SELECT}x > %s"),
        ('SELECT * FROM "t1"', 'SELECT * FROM "t2"'),
        ('SELECT "a b" FROM "x%%y-z"', 'SELECT "a c" FROM "x%%y-z"'),
        ('SELECT "a", \'@\' FROM "b"', 'SELECT "c", \'@\' FROM "b"'),
        ('SELECT * FROM "booking_1"', 'SELECT * FROM "booking_2"'),
        (f"{SELECT}x = %s ORDER BY a", f"{SELECT}x = %s ORDER BY b"),
        (f"{SELECT}x IN (%s)", f"{SELECT}x IN (SELECT 1)"),
    ],
)
def test_what_is_asked_makes_another_statement(one, other):
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("count", "batch"), [(BATCH - 1, False), (BATCH, True), (BATCH + 1, True)]
)
def test_a_long_list_is_a_batch(count, batch):
    assert Statement(ins(count)).is_batch is batch


def test_a_statement_names_its_verb_and_tables():
    statement = Statement(
        'SELECT * FROM "bookings" JOIN "clients" ON 1 JOIN "bookings" b2 ON 2'
    )
    assert statement.operation == "SELECT"
    assert statement.tables == ("bookings", "clients")


@pytest.mark.parametrize("length", [MAX_SQL - 1, MAX_SQL, MAX_SQL + 1, 1_000_000])
def test_a_long_text_is_cut(length):
    text = "SELECT " + "a" * (length - 7)
    assert len(Statement(text).text) <= MAX_SQL


def test_a_text_is_looked_at_once():
    assert statement_of("SELECT 1, 2, 3") is statement_of("SELECT 1, 2, 3")


def test_a_text_that_is_no_sql_is_a_statement_all_the_same():
    assert Statement("").operation == ""
    assert Statement("'((((" * 500).fingerprint


def test_texts_that_fold_to_the_same_keep_one_text():
    short, long = (
        f"SELECT a FROM b WHERE c IN ({', '.join(['%s'] * n)})" for n in (2, 9)
    )
    assert statement_of(short).text is statement_of(long).text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ins(1), ins(900)),
        (f"{SELECT}x IN (1)", f"{SELECT}x IN (1, -2,3.5)"),
        (f"{SELECT}x = 'ann' AND y = 1", f"{SELECT}x = 'o''hara' AND y = -4.5"),
        (f"{SELECT}x = %s", f"{SELECT}x = 17"),
        (f"{SELECT}x = %(x)s", f"{SELECT}x = %(y)s"),
        (f"{SELECT}x = '1' /*traceparent='00-1'*/", f"{SELECT}x = '2' /*traceparent='00-2'*/"),
        ("INSERT INTO t VALUES (%s, %s)", "INSERT INTO t VALUES (%s, %s), (%s, %s)"),
    ],
)  # fmt: skip
def test_texts_of_other_values_are_alike(one, other):
    assert likeness(one, "sqlite") == likeness(other, "sqlite")


def test_what_mysql_has_in_double_quotes_is_a_value():
    one, other = (f'SELECT a FROM `a` WHERE x = "{name}"' for name in ("ann", "o'hara"))
    assert likeness(one, "mysql") == likeness(other, "mysql")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{SELECT}x = %s", f"{SELECT}y = %s"),
        (f"{SELECT}x = %s", f"{SELECT}x > %s"),
        (f"{SELECT}x = 1", 'SELECT "b"."id" FROM "b" WHERE x = 1'),
        (f"{SELECT}x = 1", f"{SELECT}x = 1 ORDER BY y"),
        ('SELECT * FROM "booking_1"', 'SELECT * FROM "booking_2"'),
    ],
)
def test_what_is_asked_makes_texts_unlike(one, other):
    assert likeness(one, "sqlite") != likeness(other, "sqlite")


def test_how_alike_texts_are_is_remembered_of_a_bounded_number():
    for number in range(2 * fingerprints.MAX_TEXTS + 1):
        likeness(f"{SELECT}x = {number}", "sqlite")
    assert len(fingerprints._alike) <= fingerprints.MAX_TEXTS
