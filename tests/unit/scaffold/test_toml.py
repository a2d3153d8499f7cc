import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprobuild.scaffold.lines import Lines
from reprobuild.scaffold.toml import Value, plain, render_key, render_value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES: st.SearchStrategy[Value] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


@given(TEXTS, VALUES)
@settings(deadline=None)
def test_every_value_comes_back_as_it_was(key: str, value: Value) -> None:
    assert tomllib.loads(f"{render_key(key)} = {render_value(value)}\n") == {key: value}


@given(TEXTS, st.lists(TEXTS), TEXTS, TEXTS)
@settings(deadline=None)
def test_strangers_words_stay_in_their_places(name: str, words: list[str], remark: str, other: str) -> None:
    lines = Lines()
    lines.table("data", name, remark=remark)
    lines.remark(other)
    lines.entry("words", words, remark)
    lines.aside("left_out", other, remark)

    assert tomllib.loads(lines.text()) == {"data": {name: {"words": words}}}


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        render_value("\udc80")


def test_a_comment_cannot_end_early() -> None:
    assert plain("a\nbase = 'evil'\x1b[2J\u2028") == "a\\nbase = 'evil'\\x1b[2J\\u2028"
