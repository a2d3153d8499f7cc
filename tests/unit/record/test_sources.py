"""What processes tell of their random numbers, merged, bounded, and said in a line."""

from typing import Any

import pytest

from reprobuild.record.sources import merge_sources, not_told, render_sources

ENTROPY: Any = {"what": "os.urandom", "file": "train.py", "line": 3, "count": 2}
OWN: Any = {"what": "random.seed", "value": 5, "file": "/work/a.py", "line": 1, "count": 1}
CHILD: Any = {"argv": ["python", "-I", "child.py"], "why": "-I: it ignores the environment", "count": 1}


def test_each_place_is_told_once_with_its_count_over_all_processes() -> None:
    told: list[Any] = [{"unseeded": [ENTROPY], "own_seeds": [OWN]}, {"unseeded": [ENTROPY], "not_seeded": [CHILD]}, {}]

    assert merge_sources(told, "/work") == {
        "own_seeds": [{**OWN, "file": "a.py"}],
        "unseeded": [{**ENTROPY, "count": 4}],
        "not_seeded": [CHILD],
    }


def test_the_order_of_processes_changes_nothing() -> None:
    told: list[Any] = [{"unseeded": [ENTROPY]}, {"unseeded": [{**ENTROPY, "line": 1}], "own_seeds": [OWN]}]

    assert merge_sources(told, "/work") == merge_sources(reversed(told), "/work")


@pytest.mark.parametrize(
    "hostile",
    [
        None,
        "text",
        {"what": "x"},
        [None, 5, "x", [], {}],
        [{"what": 5, "file": "x", "line": 1}, {"what": "x", "file": [], "line": 1}, {"what": "x", "file": "y"}],
        [{"argv": "python", "why": "x"}, {"argv": ["python"], "why": None}],
    ],
)
@pytest.mark.parametrize("kind", ["own_seeds", "unseeded", "not_seeded"])
def test_entries_of_another_shape_are_left_out(kind: str, hostile: Any) -> None:
    assert merge_sources([{kind: hostile}], "/work") == {"own_seeds": [], "unseeded": [], "not_seeded": []}


def test_what_is_too_long_too_large_or_too_much_is_cut() -> None:
    endless: list[Any] = [{**OWN, "line": line, "value": 10**30} for line in range(100_000)]
    wide = {**ENTROPY, "what": "\0" + "x" * 5000, "line": -(10**30), "count": 10**30, "more": [1] * 1000}
    argv: Any = {"argv": ["y" * 5000, 5, *["z"] * 5000], "why": "w" * 5000}

    merged: Any = merge_sources([{"own_seeds": endless, "unseeded": [wide], "not_seeded": [argv]}], "/work")

    assert len(merged["own_seeds"]) == 100
    assert merged["own_seeds"][0]["value"] == str(10**30)
    assert merged["unseeded"] == [{"what": "x" * 199, "file": "train.py", "line": 0, "count": 2**53}]
    assert merged["not_seeded"][0]["argv"] == ["y" * 200, *["z"] * 7]
    assert len(merged["not_seeded"][0]["why"]) == 200


def test_a_line_is_said_for_each_kind_and_nothing_for_none() -> None:
    found: dict[str, Any] = {
        **merge_sources([{"own_seeds": [OWN], "not_seeded": [CHILD]}], "/work"),
        "unseeded": [{**ENTROPY, "line": line} for line in range(5)],
    }

    places = "os.urandom at train.py:0; os.urandom at train.py:1; os.urandom at train.py:2"

    assert render_sources(found) == [
        "warning: not seeded: python -I child.py (-I: it ignores the environment)",
        f"warning: other in each run: {places}; and 2 more in the record",
        "note: the script's own seeds win over [run] seed: random.seed(5) at a.py:1",
    ]
    assert render_sources({}) == render_sources({"unseeded": [], "own_seeds": None}) == []
    assert len(render_sources({"unseeded": [5, None], "not_seeded": [{}]})) == 2


def test_a_main_program_that_told_nothing_is_named() -> None:
    assert not_told(("python", "-I", "train.py"), "silent") == [
        {"argv": ["python", "-I", "train.py"], "why": "silent", "count": 1}
    ]
