"""What is written as YAML is read as what it was."""

from __future__ import annotations

import yaml as library
from hypothesis import given
from hypothesis import strategies as st

from spotter.exporters.yaml import dump

text = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\x85\u2028\u2029\ufeff"),
    max_size=12,
)  # fmt: skip
plain = st.one_of(
    text, st.booleans(), st.integers(), st.none(),
    st.sampled_from(["yes", "1", "1e3", "no", "~", "a: b", "- x", "#c", "0x1", "12:30", "2026-01-01"]),
)  # fmt: skip
trees = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(text.filter(bool), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(text.filter(bool), trees, min_size=1, max_size=4))
def test_every_document_is_read_as_it_was_written(document):
    assert library.safe_load(dump(document)) == document


def test_lines_of_a_text_stay_lines_under_a_comment():
    written = dump({"expr": "a > 1\nand b"}, head="one\n\ntwo")
    assert written == "# one\n#\n# two\nexpr: |-\n  a > 1\n  and b\n"
