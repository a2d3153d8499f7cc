from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.ground.errors import UsageError
from reprobuild.ledger.row import Row, Value
from reprobuild.ledger.select import (
    Condition,
    Wanted,
    choose,
    is_number,
    known_names,
    parse_condition,
    parse_number,
    select,
    sort,
    spell,
)

NAMES = ("seed", "metric.accuracy", "param.lr", "param.optimizer")
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.booleans() | NUMBERS | st.text(max_size=5)
OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "~"])


def make_row(number: int, values: Mapping[str, Value]) -> Row:
    return Row(f"{number:04}", {"run": number, "status": "ok", **values})


ROWS = st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES), max_size=20).map(
    lambda tables: [make_row(number, table) for number, table in enumerate(tables, 1)]
)
RUNS = [
    make_row(1, {"metric.accuracy": 0.8, "param.lr": 0.1, "param.optimizer": "sgd"}),
    make_row(2, {"metric.accuracy": 0.95, "param.lr": 0.01, "param.optimizer": "adam", "note": "Overfits"}),
    make_row(3, {"param.lr": 10, "param.bias": True, "status": "failed"}),
    make_row(10, {"metric.accuracy": 0.9, "metric.lr": 3.0, "param.lr": "auto"}),
]


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("accuracy>=0.9", [2, 10]),
        ("metric.accuracy < 0.9", [1]),
        ("param.lr<0.1", [2]),
        ("param.lr<=1e-1", [1, 2]),
        ("param.lr=10", [3]),
        ("param.lr=10.0", [3]),
        ("param.lr==auto", [10]),
        ("param.lr!=0.1", [2, 3, 10]),
        ("optimizer=adam", [2]),
        ("optimizer!=adam", [1]),
        ("bias=true", [3]),
        ("bias=1", []),
        ("status=failed", [3]),
        ("run>2", [3, 10]),
        ("note~overfit", [2]),
        ("note!=", [2]),
        ("note=", []),
        ("accuracy=0.95", [2]),
    ],
)
def test_a_condition_keeps_the_runs_of_which_it_holds(condition: str, runs: list[int]) -> None:
    found, _ = choose(RUNS, Wanted(where=(condition,)))

    assert [row.values["run"] for row in found] == runs


def test_several_conditions_must_all_hold() -> None:
    found, _ = choose(RUNS, Wanted(where=("accuracy>=0.9", "run<10")))

    assert [row.run for row in found] == ["0002"]


@pytest.mark.parametrize(
    ("condition", "said", "hint"),
    [
        ("accuracy", "--where accuracy: not NAME, an operator and a value", "for example"),
        ("", "--where : not NAME, an operator and a value", "for example"),
        (">3", "--where >3: not NAME, an operator and a value", "for example"),
        ("accuraci>0.9", "--where accuraci: no run has it", "did you mean 'accuracy'?"),
        ("zzzz=1", "--where zzzz: no run has it", "there are command, ending, "),
        ("param.lr<much", "--where param.lr<much: < compares numbers, and 'much' is none", "for example"),
        ("param.lr<nan", "--where param.lr<nan: < compares numbers, and 'nan' is none", "for example"),
        ("lr=1", "--where lr: a metric and a hyperparameter", "write metric.lr or param.lr"),
        ("a\x1b[2J=1", "--where a\\x1b[2J: no run has it", "there are "),
    ],
)
def test_a_condition_that_cannot_be_is_explained(condition: str, said: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose(RUNS, Wanted(where=(condition,)))

    assert str(caught.value) == said
    assert caught.value.hint.startswith(hint)


def test_numbers_are_sorted_as_numbers_and_runs_without_one_come_last() -> None:
    assert [row.run for row in choose(RUNS, Wanted(sort=("accuracy",)))[0]] == ["0001", "0010", "0002", "0003"]
    assert [row.run for row in choose(RUNS, Wanted(sort=("-accuracy",)))[0]] == ["0002", "0010", "0001", "0003"]
    assert [row.run for row in choose(RUNS, Wanted(sort=("param.lr",)))[0]] == ["0002", "0001", "0003", "0010"]


def test_ties_are_decided_by_the_next_name() -> None:
    rows = [make_row(n, {"param.a": a, "param.b": b}) for n, (a, b) in enumerate([(1, 1), (2, 2), (1, 3), (2, 4)])]

    assert [row.values["run"] for row in choose(rows, Wanted(sort=("a", "-b")))[0]] == [2, 0, 3, 1]


def test_a_limit_keeps_the_first_of_an_order_and_else_the_latest() -> None:
    assert [row.run for row in choose(RUNS, Wanted(limit=2))[0]] == ["0003", "0010"]
    assert [row.run for row in choose(RUNS, Wanted(sort=("-run",), limit=1))[0]] == ["0010"]
    assert len(choose(RUNS, Wanted(limit=100))[0]) == 4


@given(ROWS, st.sampled_from(NAMES), st.booleans())
def test_sorting_loses_nothing_is_stable_and_leaves_the_missing_at_the_end(
    rows: list[Row], name: str, descending: bool
) -> None:
    found = sort(rows, name, descending=descending)
    values = [row.values.get(name) for row in found]
    there = [value for value in values if value is not None]

    assert sorted(row.run for row in found) == sorted(row.run for row in rows)
    assert values == there + [None] * (len(values) - len(there))
    numbers = [value for value in there if is_number(value)]
    texts = [spell(value) for value in there if not is_number(value)]
    assert numbers == sorted(numbers, reverse=descending)
    assert texts == sorted(texts, reverse=descending)
    kinds = [is_number(value) for value in there]
    assert kinds == sorted(kinds, reverse=not descending)
    for value in set(map(spell, there)):
        same = [row.values["run"] for row in found if name in row.values and spell(row.values[name]) == value]
        assert same == sorted(same, key=int)


@given(ROWS, st.sampled_from(NAMES), OPERATORS, NUMBERS)
def test_a_condition_about_a_number_is_what_python_says(rows: list[Row], name: str, sign: str, wanted: float) -> None:
    condition = parse_condition(f"{name}{sign}{wanted!r}", set(NAMES))
    found = select(rows, [condition])

    for row in rows:
        value = row.values.get(name)
        if value is None:
            assert row not in found
        elif is_number(value) and sign != "~":
            python = {"=": "=="}.get(sign, sign)
            assert (row in found) is eval(f"value {python} wanted")
        elif sign in ("<", "<=", ">", ">="):
            assert row not in found


@given(ROWS, st.sampled_from(NAMES), st.text(max_size=5).map(str.strip))
def test_equal_and_unequal_share_out_the_runs_that_have_a_value(rows: list[Row], name: str, text: str) -> None:
    equal, unequal = (select(rows, [Condition(name, sign, text)]) for sign in ("=", "!="))

    assert sorted(row.run for row in equal + unequal) == [row.run for row in rows if name in row.values]


@given(st.text())
def test_any_text_is_a_condition_or_one_line_with_a_hint(text: str) -> None:
    said, hint, name = "", "", "run"
    try:
        name = parse_condition(text, known_names(RUNS)).name
    except UsageError as error:
        said, hint = str(error), error.hint

    assert said.isprintable()
    assert bool(said) == bool(hint)
    assert name in known_names(RUNS)


@given(NUMBERS)
def test_every_number_is_read_as_it_is(number: float) -> None:
    assert parse_number(repr(number)) == number


NO_NUMBERS = ["", "nan", "inf", "-Infinity", "1e9999", "1_000", "0x10", " 1", "1,5", "٣", "9" * 400]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_plain_finite_number_is_text(text: str) -> None:
    assert parse_number(text) is None
