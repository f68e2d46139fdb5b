"""What a statement is, whatever its values: Django's SQL with the lists folded."""

from __future__ import annotations

import hashlib
import re
import sys

#: A text beyond this is cut in the middle before it is looked at.
MAX_SQL, HEAD, TAIL = 4096, 2048, 512
#: What stands there meanwhile, in letters that leave a text at a byte for each.
CUT = " \xa6\xa6\xa6 "
#: Texts whose statement is remembered.
MAX_TEXTS = 4096
#: From so many values on, a list is a batch.
BATCH = 10

VALUE = r"(?:%s|%\(\w+\)s|\?|\$\d+|NULL|-?\d+(?:\.\d+)?)"
# Each with the text that must be there for it to be worth trying, most texts have none.
TEXTS = (
    ("/*", re.compile(r"/\*.*?(?:\*/|$)", re.S), ""),
    ("--", re.compile(r"--[^\n]*"), ""),
    ("'", re.compile(r"'(?:[^']|'')*(?:'|$)"), "%s"),
)
FOLDS = (
    ("IN (", re.compile(rf"\bIN \({VALUE}(?:, ?{VALUE})*\)"), "IN (…)"),
    ("VALUES", re.compile(r"VALUES (\([^()]*(?:\([^()]*\)[^()]*)*\))(?:, ?\([^()]*(?:\([^()]*\)[^()]*)*\))+"), r"VALUES \1, …"),
    ("SELECT %s", re.compile(r"(?:UNION ALL SELECT [%s, ?]+)+"), "…"),
    ("WHEN", re.compile(r"(?:WHEN .{1,300}? THEN [^ ]+ ?)+"), "WHEN … "),
    ("SAVEPOINT", re.compile(r"SAVEPOINT .*"), "SAVEPOINT …"),
)  # fmt: skip
# What stands in double quotes, and what no name has: then it is a value of MySQL's.
QUOTED, NO_NAME = re.compile(r'"([^"]*)(?:"|$)'), re.compile(r"[^\w.$ %-]")
NUMBER = re.compile(r"(?<![\w\"%.$])-?\d+(?:\.\d+)?\b")
ORS = re.compile(r"(\((?:[^()]|\([^()]*\))*\))(?: OR \1)+")
# Single spaces are left alone: a text that has nothing to fold stays the same object.
SPACE = re.compile(r"\s{2,}|[^\S ]")
# A value, or several with nothing but commas and brackets between; in linear time.
ONE = r"['%\d-](?:(?<=')[^']*+'|(?<!')(?<![\w\"].)[\w.]*+(?:\(\w++\)s)?+)"
VALUES = re.compile(rf"{ONE}(?:[\s,()]*+{ONE})*+")
LIST = re.compile(rf"\bIN \(({VALUE}(?:, ?{VALUE})*)\)")
TABLE = re.compile(r'\b(?:FROM|JOIN|INTO|UPDATE) ["`]?([\w.$"`]+)', re.I)
OPERATION = re.compile(r"\W*([A-Za-z]+)")
WRITES = frozenset(("INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE"))


class Statement:
    """One statement: its folded text and what can be seen from it."""

    __slots__ = (
        "fingerprint",
        "is_batch",
        "is_multirow",
        "is_paged",
        "is_write",
        "operation",
        "tables",
        "text",
    )

    def __init__(self, sql: str) -> None:
        short = sql if len(sql) <= MAX_SQL else shortened(sql)
        short = short.replace(CUT, " … ")
        # Shared by all texts that fold to it.
        self.text = sys.intern(fold(short))
        self.fingerprint = digest(self.text)
        found = OPERATION.match(self.text)
        self.operation = sys.intern(found[1].upper()) if found else ""
        self.is_write = self.operation in WRITES
        self.is_paged = " OFFSET " in short
        self.is_multirow = "VALUES (…), …" in self.text or is_multirow(short)
        self.is_batch = any(m[1].count(",") + 1 >= BATCH for m in LIST.finditer(short))
        self.tables = tables_of(self.text)


def shortened(sql: str) -> str:
    """What is looked at of a text beyond MAX_SQL; it is the same statement."""
    return f"{sql[:HEAD]}{CUT}{sql[-TAIL:]}"


def digest(text: str) -> str:
    """Sixteen hexadecimal digits that stand for a text."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def fold(sql: str) -> str:
    """Put every value, and every list of values, in the same form."""
    for mark, pattern, form in TEXTS:
        if mark in sql:
            sql = pattern.sub(form, sql)
    quoted = sql.split('"')[1::2]
    if quoted and ("`" in sql or NO_NAME.search("".join(quoted))):
        sql = QUOTED.sub(name_or_value, sql)
    for mark, pattern, form in FOLDS:
        if mark in sql:
            sql = pattern.sub(form, sql)
    sql = NUMBER.sub("%s", sql)
    if " OR " in sql:
        sql = ORS.sub(r"\1 OR …", sql)
    return SPACE.sub(" ", sql).strip()


def name_or_value(found: re.Match[str]) -> str:
    """What is in double quotes: a name stays, a value that was written in does not."""
    # Where names are in MySQL's own quotes, what is in these is always a value.
    is_name = "`" not in found.string and NO_NAME.search(found[1]) is None
    return found[0] if is_name else "%s"


def is_multirow(sql: str) -> bool:
    """Whether one statement writes several rows."""
    return "UNNEST(" in sql or "), (" in sql


def tables_of(text: str) -> tuple[str, ...]:
    """The tables that a statement names, each once, in the order of the text."""
    names = (name.strip('"`').replace('"."', ".") for name in TABLE.findall(text))
    return tuple(map(sys.intern, dict.fromkeys(names)))[:10]


#: By the hash of the text, which is kept nowhere: Django's run to a kilobyte, and one
#: with a list has as many texts as lengths of the list.
_known: dict[int, Statement] = {}


def statement_of(sql: str) -> Statement:
    """Give the statement of a text; most texts have been seen before."""
    statement = _known.get(hash(sql))
    if statement is None:
        statement = Statement(sql)
        if len(_known) >= MAX_TEXTS:
            _known.clear()
        if len(sql) <= MAX_SQL:
            _known[hash(sql)] = statement
    return statement


#: By a text's hash, that of what it has in common with others.
_alike: dict[int, int] = {}


def likeness(sql: str, vendor: str) -> int:
    """
    Give a number that statements share which differ by nothing but their values.

    For the request, which cannot wait until `statement_of` is done: some ten times
    cheaper, and about as exact. Two that share a fingerprint may differ here by their
    comments; what differs here by nothing else than its list may have two fingerprints.
    """
    whole = hash(sql)
    found = _alike.get(whole)
    if found is None:
        if vendor == "mysql":
            # Where names have quotes of their own, these are around values.
            sql = QUOTED.sub("%s", sql)
        if len(_alike) >= MAX_TEXTS:
            _alike.clear()
        found = _alike[whole] = hash(VALUES.sub("?", sql))
    return found
