"""The pages of `make proof` say what its figures say; the figures themselves are only made by it."""

from typing import Any

import pytest
from builders.cases import MACHINES, read_cases
from machines.proof import DATA, PAGE, README
from machines.table import BEGIN, END, Cell, Control, Proof, render_proof, render_short, replace_part


def cell(**changes: Any) -> Cell:
    values = {"case": "lstm", "profile": "portable", "machine": "EPYC", "verdict": "identical", "reason": "2 of 2"}
    return Cell(**{**values, "prediction": "expected identical", "seconds": 9.5, **changes})


def proof(*cells: Cell, controls: tuple[Control, ...] = ()) -> Proof:
    return Proof(
        date="2026-11-29",
        commit="0" * 12,
        cpu="A CPU",
        cores=2,
        qemu="qemu 7.2",
        versions={"torch": "2.13.0"},
        cells=cells,
        controls=controls,
    )


@pytest.mark.parametrize(("page", "render"), [(PAGE, render_proof), (README, render_short)], ids=["page", "readme"])
def test_a_page_shows_the_figures_that_are_committed(page: Any, render: Any) -> None:
    committed = Proof.from_bytes(DATA.read_bytes(), "proof.json")

    assert page.read_text() == replace_part(page.read_text(), render(committed))


def test_no_committed_prediction_is_wrong_and_each_control_comes_out_different() -> None:
    committed = Proof.from_bytes(DATA.read_bytes(), "proof.json")

    assert [cell for cell in committed.cells if cell.wrong] == []
    assert {control.verdict for control in committed.controls} <= {"different"}


def test_a_cell_says_what_came_and_what_was_predicted() -> None:
    shown = render_proof(proof(cell(), cell(case="torchrun", verdict="different", prediction="cannot tell")))

    assert "| PyTorch, LSTM |  |  |  |  | = (=) |  |" in shown
    assert "| PyTorch, two processes with gloo |  |  |  |  | ≠ (?) |  |" in shown
    assert "| PyTorch, LSTM |  |  |  |  | = |  |" in render_short(proof(cell()))


def test_cells_that_were_not_run_count_for_nothing_and_are_told() -> None:
    left = len(MACHINES) * len(read_cases()) - 2

    shown = render_short(proof(cell(), cell(machine="Haswell", verdict="different")))

    assert f"1 of 2 replays under `portable` are identical (50 %); {left} cells were not run." in shown


def test_a_prediction_that_came_out_otherwise_is_wrong() -> None:
    shown = render_proof(proof(cell(verdict="different"), cell(prediction="expected different"), cell(case="mlp-sgd")))

    assert "3 of 3 cells; of these, wrong: 2." in shown
    assert "- lstm, portable, EPYC: expected identical, and different" in shown


@pytest.mark.parametrize(
    ("prediction", "verdict", "wrong"),
    [
        ("expected identical", "equivalent", True),
        ("expected different", "equivalent", False),
        ("expected different", "unchecked", False),
        ("cannot tell", "different", False),
        (None, "different", False),
    ],
)
def test_weights_that_are_others_are_different_whatever_the_metrics(prediction: Any, verdict: Any, wrong: bool) -> None:
    assert cell(prediction=prediction, verdict=verdict).wrong is wrong


def test_what_is_not_identical_is_told_with_its_reason() -> None:
    shown = render_proof(proof(cell(verdict="different", reason="a | of weights.pt\ndiffers")))

    assert "- lstm on EPYC: different: a   of weights.pt differs" in shown


def test_a_control_stands_beside_its_change() -> None:
    shown = render_proof(proof(controls=(Control(case="transformer", change="1 thread", verdict="different"),)))

    assert "| PyTorch, character transformer | 1 thread | different |" in shown


def test_only_what_lies_between_the_markers_is_replaced() -> None:
    assert replace_part(f"a\n{BEGIN}\nold\n{END}\nb\n", "new\n") == f"a\n{BEGIN}\nnew\n{END}\nb\n"


def test_every_case_has_a_script_and_exactly_one_control() -> None:
    for case in read_cases().values():
        control = case.control
        given = [control.seed is not None, control.threads is not None, bool(control.variables), bool(control.native)]
        assert given.count(True) == 1, case.name
