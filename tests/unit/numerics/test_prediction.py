"""What is expected of a replay before it starts: only what the run's own operations show."""

from collections.abc import Mapping
from typing import Any

import pytest

from reprobuild.numerics.prediction import Prediction, Side, held, predict
from reprobuild.numerics.signatures import Call, Result, Settings, Signatures

SAME, OTHER = "0" * 128, "f" * 128
PROBED = {"libm/exp/f64/16": "0" * 16, "math/exp/f64/16": "1" * 16, "numpy/exp/f32/16": "2" * 16}
SQRT = "aten::sqrt.default f32[32,20]"


def make_call(operation: str = "aten::sqrt.default", **changes: Any) -> Call:
    tensor = {"tensor": "float32", "shape": [32, 20], "strides": [20, 1], "device": "cpu"}
    fields: dict[str, Any] = {
        "inputs": (tensor,),
        "options": {},
        "step": 1,
        "steps": 100,
        "calls": 100,
        "where": ("optimizer",),
    }
    return Call(operation=operation, **{**fields, **changes})


def make_run(*calls: Call, **changes: Any) -> Signatures:
    fields: dict[str, Any] = {
        "seen": calls or (make_call(),),
        "gaps": (),
        "missed": None,
        "hidden": (),
        "settings": Settings(),
        "steps": 100,
        "operations": 4000,
        "parameters": 3000,
        "seconds": 0.2,
    }
    return Signatures(**{**fields, **changes})


def make_result(digest: str = SAME, **changes: Any) -> Result:
    return Result(**{"digest": digest, "values": 640, "turns": 4, **changes})


def side(*results: Result, operations: Mapping[str, str] = PROBED, missed: tuple[str, ...] = ()) -> Side:
    return Side(operations, results or (make_result(),), missed)


def test_a_run_whose_every_operation_agrees_is_expected_to_be_identical() -> None:
    found = predict(make_run(), side(), side(), 4000)

    assert found == Prediction(kind="expected identical", reasons=("all 1 signatures of the run agree",))


def test_an_operation_of_the_optimiser_that_disagrees_is_expected_to_make_a_difference() -> None:
    found = predict(make_run(make_call(step=3)), side(), side(make_result(OTHER)), 4000)

    assert found.kind == "expected different"
    assert found.reasons == found.disagreeing == (f"{SQRT} from step 3",)


@pytest.mark.parametrize(
    ("call", "result", "outputs"),
    [
        pytest.param({"where": ("other",)}, {}, 4000, id="an evaluation"),
        pytest.param({"where": ("forward",)}, {"values": 1, "turns": 16}, 4000, id="a loss that is only printed"),
        pytest.param({"where": ("forward",), "steps": 9}, {}, 4000, id="an evaluation that builds a graph for nothing"),
        pytest.param({"calls": 1}, {"values": 10, "turns": 16}, 4000, id="a few numbers"),
        pytest.param({}, {}, 100, id="weights that are not kept"),
    ],
)
def test_a_disagreement_that_may_not_reach_the_result_promises_nothing(
    call: dict[str, Any], result: dict[str, Any], outputs: int
) -> None:
    run = make_run(make_call(**call))
    found = predict(run, side(make_result(**result)), side(make_result(OTHER, **result)), outputs)

    assert found.kind == "cannot tell"
    assert found.disagreeing == (f"{SQRT} from step 1",)
    assert found.reasons == (f"{SQRT} from step 1 disagrees: its results may reach nothing that is compared",)


def test_an_operation_on_the_way_to_the_loss_makes_a_difference() -> None:
    found = predict(make_run(make_call(where=("forward",))), side(), side(make_result(OTHER)), 4000)

    assert found.kind == "expected different"


def test_a_rare_difference_in_many_numbers_tells_and_in_few_does_not() -> None:
    rare = OTHER[:4] + SAME[4:]  # one part of 32
    few = predict(make_run(), side(), side(make_result(rare)), 4000)
    many = predict(make_run(make_call(calls=10_000)), side(), side(make_result(rare)), 4000)

    assert (few.kind, many.kind) == ("cannot tell", "expected different")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seen": ()}, "no operation of PyTorch was seen"),
        ({"gaps": ("more than 50000 operations",), "missed": 9}, "not all operations were seen from step 9 on: more"),
        ({"hidden": ("sklearn",)}, "operations hidden in compiled code: sklearn"),
        ({"hidden": ("torch.compile",)}, "operations hidden in compiled code: torch.compile"),
    ],
)
def test_what_was_not_seen_is_named(changes: dict[str, Any], reason: str) -> None:
    found = predict(make_run(**changes), side(), side(), 4000)

    assert found.kind == "cannot tell"
    assert any(line.startswith(reason) for line in found.reasons)


def test_an_operation_on_a_gpu_leaves_a_doubt() -> None:
    tensor = {"tensor": "float32", "shape": [4], "strides": [1], "device": "cuda:0"}
    for place in ({"inputs": (tensor,)}, {"inputs": ([tensor],)}, {"options": {"device": {"device": "cuda:0"}}}):
        found = predict(make_run(make_call(**place)), side(), side(), 4000)

        assert found.kind == "cannot tell"
        assert found.reasons == ("some operations on a GPU add in no fixed order, and only warn of it",)


def test_what_could_not_be_made_again_is_named() -> None:
    failed = Result(error="NotImplementedError: no such operation")
    found = predict(make_run(), side(), side(failed), 4000)

    assert found.kind == "cannot tell"
    assert found.reasons == (f"{SQRT}: it could not be made again: NotImplementedError: no such operation",)


def test_nothing_is_expected_of_a_machine_on_which_nothing_was_made_again() -> None:
    assert predict(make_run(), side(), Side(PROBED, ()), 4000).kind == "cannot tell"


def test_a_pin_that_did_not_take_leaves_a_doubt() -> None:
    found = predict(make_run(), side(missed=("torch-aten",)), side(), 4000)

    assert found.kind == "cannot tell"
    assert found.reasons == ("pin torch-aten did not take (recorded)",)


def test_numpy_beside_pytorch_is_covered_by_the_probe() -> None:
    apart = {**PROBED, "numpy/exp/f32/16": "3" * 16}
    run = make_run(hidden=("numpy",))

    assert predict(run, side(), side(), 4000).kind == "expected identical"
    assert predict(make_run(), side(), side(operations=apart), 4000).kind == "expected identical"
    found = predict(run, side(), side(operations=apart), 4000)
    assert found.kind == "cannot tell"
    assert found.reasons == ("the use of numpy is not seen, and 1 probed operations disagree: numpy/exp/f32/16",)


def test_numpy_alone_is_hidden() -> None:
    found = predict(make_run(seen=(), hidden=("numpy",)), Side(PROBED, ()), Side(PROBED, ()), 4000)

    assert found.kind == "cannot tell"
    assert "operations hidden in compiled code: numpy" in found.reasons


def test_without_a_probe_pythons_own_arithmetic_is_a_doubt() -> None:
    assert predict(make_run(), side(operations={}), side(), 4000).kind == "cannot tell"


def test_another_seed_leaves_nothing_to_expect_but_a_difference() -> None:
    doubts = ("another seed was asked for: 2",)

    assert predict(make_run(), side(), side(), 4000, doubts=doubts).reasons == doubts
    assert predict(make_run(), side(), side(make_result(OTHER)), 4000, doubts=doubts).kind == "expected different"


@pytest.mark.parametrize(
    ("kind", "verdict", "expected"),
    [
        ("expected identical", "identical", True),
        ("expected identical", "equivalent", False),
        ("expected different", "equivalent", True),
        ("expected different", "different", True),
        ("expected different", "identical", False),
        ("expected different", "unchecked", None),
        ("cannot tell", "identical", None),
    ],
)
def test_an_expectation_held_or_not(kind: Any, verdict: str, expected: bool | None) -> None:
    assert held(Prediction(kind=kind, reasons=()), verdict) is expected
