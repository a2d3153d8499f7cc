from collections.abc import Mapping
from itertools import product

import pytest
from builders.results import FINISHED, FakeResult, make_asked, make_comparison

from reprobuild.record.document import Ending, Tolerance
from reprobuild.verdict.decide import decide, exit_status
from reprobuild.verdict.document import Kind, Outcome, Verdict

KILLED = Ending(reason="finished", status=None, signal="SIGKILL", message="it was killed by SIGKILL")
FAILED = Ending(reason="finished", status=3, signal=None, message="it ended with exit status 3")
LATE = Ending(reason="deadline", status=None, signal="SIGKILL", message="it was stopped at its deadline")
WITHOUT = Ending(reason="outputs", status=0, signal=None, message="out/a: the training did not write it")


def verdict_on(
    *outcomes: Outcome,
    recorded: Mapping[str, float] | None = None,
    seen: Mapping[str, float] | None = None,
    endings: tuple[Ending, Ending] = (FINISHED, FINISHED),
    tolerances: dict[str, Tolerance] | None = None,
    outputs: tuple[str, ...] = ("out/model.npz",),
) -> Verdict:
    recorded = dict(recorded or {})
    asked = make_asked(outputs=outputs, metrics="out/metrics.json" if recorded else None, tolerances=tolerances)
    sides = FakeResult(endings[0], recorded), FakeResult(endings[1], recorded if seen is None else dict(seen))
    comparisons = [make_comparison(outcome, f"out/{number}") for number, outcome in enumerate(outcomes)]
    return decide(asked, *sides, comparisons)


def test_the_same_bytes_are_identical() -> None:
    verdict = verdict_on(Outcome.SAME_BYTES, Outcome.SAME_BYTES)

    assert verdict.kind is Kind.IDENTICAL
    assert verdict.reasons == ("2 of 2 outputs have the same bytes",)


def test_the_same_values_in_other_bytes_are_identical_and_named() -> None:
    verdict = verdict_on(Outcome.SAME_BYTES, Outcome.SAME_VALUES)

    assert verdict.kind is Kind.IDENTICAL
    assert "out/1 has the same values; as made up" in verdict.reasons[1]


def test_other_bytes_without_a_metric_are_different() -> None:
    assert verdict_on(Outcome.DIFFERENT).kind is Kind.DIFFERENT


def test_other_bytes_with_every_metric_inside_are_equivalent() -> None:
    verdict = verdict_on(
        Outcome.DIFFERENT, recorded={"loss": 1.0}, seen={"loss": 1.05}, tolerances={"loss": Tolerance(absolute=0.1)}
    )

    assert verdict.kind is Kind.EQUIVALENT
    assert "loss" in verdict.reasons[0]


def test_without_a_tolerance_a_metric_must_be_the_same() -> None:
    assert verdict_on(Outcome.DIFFERENT, recorded={"loss": 1.0}).kind is Kind.EQUIVALENT
    assert verdict_on(Outcome.DIFFERENT, recorded={"loss": 1.0}, seen={"loss": 1.0 + 2**-52}).kind is Kind.DIFFERENT


@pytest.mark.parametrize("outcome", [Outcome.MISSING, Outcome.NEW])
def test_metrics_do_not_cover_a_file_that_one_side_lacks(outcome: Outcome) -> None:
    assert verdict_on(outcome, recorded={"loss": 1.0}).kind is Kind.DIFFERENT


@pytest.mark.parametrize(("recorded", "seen"), [({"a": 1.0}, {}), ({"a": 1.0}, {"a": 1.0, "b": 2.0})])
def test_a_metric_that_one_side_lacks_is_a_difference(recorded: dict[str, float], seen: dict[str, float]) -> None:
    verdict = verdict_on(Outcome.SAME_BYTES, recorded=recorded, seen=seen)

    assert verdict.kind is Kind.DIFFERENT


def test_a_tolerance_for_a_metric_that_nobody_wrote_is_unchecked() -> None:
    verdict = verdict_on(Outcome.SAME_BYTES, recorded={"a": 1.0}, tolerances={"b": Tolerance(absolute=1)})

    assert verdict.kind is Kind.UNCHECKED
    assert verdict.reasons == ("metric b: it has a tolerance and neither run wrote it",)


def test_nothing_declared_is_unchecked() -> None:
    verdict = verdict_on(outputs=())

    assert verdict.kind is Kind.UNCHECKED
    assert verdict.reasons == ("no output and no metric is declared",)


def test_declared_and_written_by_neither_is_unchecked() -> None:
    assert verdict_on(endings=(FAILED, FAILED)).kind is Kind.UNCHECKED


def test_a_comparison_that_failed_is_unchecked_even_when_all_metrics_lie_inside() -> None:
    verdict = verdict_on(Outcome.FAILED, Outcome.DIFFERENT, recorded={"loss": 1.0})

    assert verdict.kind is Kind.UNCHECKED


@pytest.mark.parametrize("ending", [KILLED, FAILED, LATE])
def test_another_ending_is_different_whatever_else_is_the_same(ending: Ending) -> None:
    verdict = verdict_on(Outcome.SAME_BYTES, endings=(FINISHED, ending))

    assert verdict.kind is Kind.DIFFERENT
    assert verdict.reasons[0].startswith("exit status: recorded 0, seen")
    assert verdict.reasons[0].endswith(ending.message)


def test_the_same_failure_is_no_difference() -> None:
    assert verdict_on(Outcome.SAME_BYTES, endings=(FAILED, FAILED)).kind is Kind.IDENTICAL


def test_a_deadline_is_not_a_kill() -> None:
    assert verdict_on(Outcome.SAME_BYTES, endings=(KILLED, LATE)).kind is Kind.DIFFERENT


def test_outputs_that_were_not_left_are_told_with_the_first_reason() -> None:
    verdict = verdict_on(Outcome.MISSING, endings=(FINISHED, WITHOUT))

    assert verdict.kind is Kind.DIFFERENT
    assert verdict.reasons[0] == "outputs: out/a: the training did not write it"


def test_reasons_come_in_the_order_of_the_rules() -> None:
    verdict = verdict_on(
        Outcome.FAILED, Outcome.MISSING, endings=(FINISHED, FAILED), recorded={"a": 1.0}, seen={"a": 2.0}
    )

    starts = [reason.split()[0] for reason in verdict.reasons]
    assert starts == ["exit", "output", "metric", "output"]
    assert "could not be compared" in verdict.reasons[3]


@pytest.mark.parametrize(
    ("tolerance", "recorded", "seen", "inside"),
    [
        (Tolerance(absolute=0.5), 1.0, 1.5, True),
        (Tolerance(absolute=0.5), 1.0, 1.5000001, False),
        (Tolerance(relative=0.1), -10.0, -11.0, True),
        (Tolerance(relative=0.1), -10.0, -11.1, False),
        (Tolerance(relative=0.1), 0.0, 1e-300, False),
        (Tolerance(absolute=1e-6, relative=0.1), 10.0, 10.5, True),
        (Tolerance(absolute=1.0, relative=1e-9), 10.0, 10.5, True),
        (Tolerance(), 0.0, -0.0, True),
        (Tolerance(absolute=1e308), float("nan"), 1.0, False),
        (Tolerance(absolute=1e308), 1.0, float("nan"), False),
        (Tolerance(absolute=1e308), 1.0, float("inf"), False),
        (Tolerance(relative=0.5), float("inf"), 1.0, False),
        (Tolerance(), float("nan"), float("nan"), True),
        (Tolerance(), float("inf"), float("inf"), True),
    ],
)
def test_a_metric_lies_inside_its_tolerance(tolerance: Tolerance, recorded: float, seen: float, inside: bool) -> None:
    verdict = verdict_on(
        Outcome.DIFFERENT, recorded={"m": recorded}, seen={"m": seen}, tolerances={"m": tolerance}
    )  # fmt: skip

    assert (verdict.kind is Kind.EQUIVALENT) == inside
    assert (verdict.kind is Kind.DIFFERENT) != inside


def expected(ending_same: bool, outcome: Outcome | None, metric: str) -> Kind:
    """The five rules, written a second time and as plainly as can be."""
    if not ending_same:
        return Kind.DIFFERENT
    if outcome in (Outcome.MISSING, Outcome.NEW) or metric in ("outside", "missing", "new"):
        return Kind.DIFFERENT
    if outcome is Outcome.DIFFERENT and metric == "none":
        return Kind.DIFFERENT
    if outcome is Outcome.FAILED or (outcome is None and metric == "none"):
        return Kind.UNCHECKED
    return Kind.EQUIVALENT if outcome is Outcome.DIFFERENT or metric == "inside" else Kind.IDENTICAL


METRICS: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "none": ({}, {}),
    "same": ({"m": 1.0}, {"m": 1.0}),
    "inside": ({"m": 1.0}, {"m": 1.1}),
    "outside": ({"m": 1.0}, {"m": 2.0}),
    "missing": ({"m": 1.0}, {}),
    "new": ({"m": 1.0}, {"m": 1.0, "n": 1.0}),
}
OUTPUTS = [None, Outcome.SAME_BYTES, Outcome.SAME_VALUES, Outcome.DIFFERENT, Outcome.MISSING, Outcome.NEW,
           Outcome.FAILED]  # fmt: skip


@pytest.mark.parametrize(("ending_same", "outcome", "metric"), list(product([True, False], OUTPUTS, METRICS)))
def test_every_combination_follows_the_five_rules(ending_same: bool, outcome: Outcome | None, metric: str) -> None:
    recorded, seen = METRICS[metric]
    verdict = verdict_on(
        *([outcome] if outcome else []),
        endings=(FINISHED, FINISHED if ending_same else FAILED),
        recorded=recorded,
        seen=seen,
        tolerances={"m": Tolerance(absolute=0.2)} if recorded else {},
    )

    assert verdict.kind is expected(ending_same, outcome, metric)
    assert verdict.reasons


@pytest.mark.parametrize(
    ("kind", "require", "status"),
    [
        (Kind.IDENTICAL, "identical", 0),
        (Kind.IDENTICAL, "equivalent", 0),
        (Kind.EQUIVALENT, "identical", 10),
        (Kind.EQUIVALENT, "equivalent", 0),
        (Kind.DIFFERENT, "identical", 10),
        (Kind.DIFFERENT, "equivalent", 10),
        (Kind.UNCHECKED, "identical", 11),
        (Kind.UNCHECKED, "equivalent", 11),
    ],
)
def test_the_exit_status_follows_the_verdict_and_what_is_required(kind: Kind, require: str, status: int) -> None:
    assert exit_status(kind, require) == status
