from collections.abc import Mapping, Sequence

from reprobuild.ledger.row import Row, Value
from reprobuild.ledger.select import known_names
from reprobuild.ledger.table import choose_columns, render_cell, render_listing


def make_row(run: str, **values: Value) -> Row:
    named = {name.replace("__", "."): value for name, value in values.items()}
    return Row(run, {"run": int(run), "status": "ok", **named})


def shown(rows: Sequence[Row], columns: Sequence[str] = (), width: int | None = None) -> list[str]:
    return render_listing(rows, columns, known_names(rows), width).splitlines()


FIRST: dict[str, Value] = {
    "seed": 1,
    "seconds": 4.25,
    "param__lr": 0.1,
    "param__depth": 3,
    "metric__accuracy": 0.9755555555,
}
SECOND: dict[str, Value] = {**FIRST, "param__lr": 0.01, "metric__accuracy": 0.5, "note": "dropped\nit overfits"}
RUNS = [
    make_row("0001", **FIRST),
    make_row("0002", **SECOND),
    Row("0003", {"run": 3, "status": "unreadable", "ending": "not strict JSON"}),
]


def test_what_tells_runs_apart_is_shown_and_what_is_the_same_everywhere_is_not() -> None:
    assert shown(RUNS) == [
        "run   status      seed    lr  accuracy  seconds  ending           note",
        "0001  ok             1   0.1  0.975556     4.25  –                –",
        "0002  ok             1  0.01       0.5     4.25  –                dropped …",
        "0003  unreadable     –     –         –        –  not strict JSON  –",
    ]


def test_a_hyperparameter_that_some_runs_lack_is_shown() -> None:
    rows = [make_row("1", param__lr=0.1), make_row("2")]

    assert choose_columns(rows, known_names(rows)) == ["run", "status", "seed", "param.lr", "seconds"]


def test_columns_are_shown_as_asked_for() -> None:
    assert shown(RUNS[:1], ["accuracy", " depth", "run"]) == ["accuracy  depth  run", "0.975556      3  0001"]


def test_a_name_that_means_two_things_is_shown_whole() -> None:
    rows = [make_row("1", param__loss=1, metric__loss=2.0, metric__seed=3.0)]

    assert shown(rows, ["param.loss", "metric.loss", "metric.seed"])[0] == "param.loss  metric.loss  metric.seed"


def test_a_narrow_terminal_gets_what_fits_and_the_names_of_the_rest() -> None:
    lines = shown(RUNS, width=30)

    assert lines[0] == "run   status      seed    lr"
    assert lines[-1] == "left out for want of room: accuracy, seconds, ending, note (--columns chooses)"
    assert all(len(line) <= 30 for line in lines[:-1])


def test_a_long_text_is_cut_in_a_terminal_and_whole_elsewhere() -> None:
    rows = [make_row("1", note="x" * 200)]

    assert shown(rows, ["note"], 80) == ["note", "x" * 31 + "…"]
    assert shown(rows, ["note"]) == ["note", "x" * 200]


def test_what_a_terminal_would_obey_is_escaped() -> None:
    rows: list[Row] = [Row("1", {"run": 1, "status": "ok", "metric.a\x1b[2J": 1.0, "note": "b\x1b]0;c\x07"})]
    text = "\n".join(shown(rows))

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "a\\x1b[2J" in text


def test_cells_are_short_and_json_is_whole() -> None:
    cells: Mapping[Value, str] = {0.1: "0.1", 1e-9: "1e-09", 3: "3", True: "true", "": "", 12345678: "12345678"}

    assert {value: render_cell(value) for value in cells} == cells
    assert render_cell(None) == "–"


def test_no_run_at_all_is_a_head_alone() -> None:
    assert shown([]) == ["run  status  seed  seconds"]
