import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.ground.canonical import canonical_json, parse_json
from reprobuild.ground.errors import InputError

LEAVES = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(JSON)
def test_json_is_read_at_its_own_depth_and_refused_above_it(value: object) -> None:
    data, depth = canonical_json(value), depth_of(value)

    assert parse_json(data, "it", max_depth=depth) == value
    if depth:
        with pytest.raises(InputError, match=f"it: JSON nested deeper than {depth - 1}"):
            parse_json(data, "it", max_depth=depth - 1)


@given(st.text(alphabet='[]{}"\\a,:'))
def test_text_that_python_reads_is_never_deeper_than_what_is_counted(text: str) -> None:
    try:
        depth = depth_of(json.loads(text))
    except ValueError:
        depth = 0
    if depth:
        with pytest.raises(InputError, match="deeper"):
            parse_json(text.encode(), "it", max_depth=depth - 1)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"a": 1, "a": 2}', "a key appears twice"),
        (b"NaN", "NaN is not JSON"),
        (b"1e999", "larger than any number"),
        (b'"\\ud800"', "surrogates not allowed"),
        (b'{"a": "\xff"}', "can't decode"),
        (b"[" * 100_000, "nested deeper than 32"),
        (b'{"a": [', "not strict JSON"),
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        parse_json(data, "it")
