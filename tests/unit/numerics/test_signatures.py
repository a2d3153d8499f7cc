"""Signatures as the processes of a run told them, which may be anything."""

import json
from typing import Any

import pytest

from reprobuild.numerics.signatures import SILENT, UNREAD, Call, differing_parts, merge_signatures, name_call

TENSOR = {"tensor": "float32", "shape": [2, 3], "strides": [3, 1], "device": "cpu"}


def told(*seen: dict[str, Any], **changes: Any) -> dict[str, Any]:
    fields = {
        "seen": list(seen),
        "complete": True,
        "gaps": [],
        "missed": None,
        "hidden": [],
        "steps": 4,
        "operations": 10,
        "parameters": 100,
        "seconds": 0.5,
    }
    return {"signatures": {**fields, **changes}}


def call(operation: str = "aten::mm.default", **changes: Any) -> dict[str, Any]:
    fields = {"inputs": [TENSOR, TENSOR], "options": {}, "step": 2, "steps": 1, "calls": 3, "where": ["forward"]}
    return {"operation": operation, **fields, **changes}


def test_what_two_processes_ask_for_is_one_signature() -> None:
    merged = merge_signatures([told(call()), told(call(step=1, where=["backward"]), hidden=["numpy"])])

    [seen] = merged.seen
    assert (seen.step, seen.calls, seen.where) == (1, 6, ("backward", "forward"))
    assert (merged.operations, merged.steps, merged.parameters, merged.seconds) == (20, 4, 100, 1.0)
    assert merged.hidden == ("numpy",)
    assert merged.gaps == ()


def test_other_arguments_make_another_signature_and_1_is_not_true() -> None:
    merged = merge_signatures([told(call(inputs=[TENSOR, 1]), call(inputs=[TENSOR, True]), call(inputs=[TENSOR]))])

    assert len(merged.seen) == 3


def test_a_gap_of_one_process_is_one_of_the_run() -> None:
    merged = merge_signatures([told(call(), gaps=["torch.compile"], complete=False, missed=3), told(missed=7)])

    assert (merged.gaps, merged.missed) == (("torch.compile",), 3)


@pytest.mark.parametrize(
    ("process", "gaps"),
    [
        ({"complete": False}, (SILENT,)),
        ({"complete": True}, (SILENT,)),
        ({"complete": False, "helper": True}, ()),
        ({**told(), "silent_forks": 2}, (SILENT,)),
        ({**told(), "silent_forks": 1, "late": True}, ()),
    ],
)
def test_a_process_of_which_nothing_is_known_is_a_gap(process: dict[str, Any], gaps: tuple[str, ...]) -> None:
    assert merge_signatures([told(call()), process]).gaps == gaps


def test_a_process_that_cannot_be_read_is_a_gap() -> None:
    assert merge_signatures([told(call())], unread=1).gaps == (UNREAD,)


@pytest.mark.parametrize(
    "signatures",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param({"seen": []}, id="keys that lack"),
        pytest.param(told(call("aten::mm"))["signatures"], id="no overload"),
        pytest.param(told(call("os.system"))["signatures"], id="no operation"),
        pytest.param(told(call(where=["anywhere"]))["signatures"], id="no phase"),
        pytest.param(told(call(step=-1))["signatures"], id="a negative step"),
        pytest.param(told(call(inputs=[0] * 1000))["signatures"], id="a thousand inputs"),
        pytest.param(told(gaps=["\0"])["signatures"], id="a NUL"),
        pytest.param(told(gaps=["x"] * 1000)["signatures"], id="a thousand gaps"),
    ],
)
def test_what_is_no_signature_is_a_gap(signatures: Any) -> None:
    merged = merge_signatures([{"signatures": signatures}, told(call())])

    assert merged.gaps == ("a process told something that is no signature",)
    assert len(merged.seen) == 1


def test_signatures_come_in_the_order_of_steps_and_the_same_bytes() -> None:
    calls = [call("aten::mm.default", step=3), call("aten::add.Tensor", step=3), call("aten::tanh.default", step=1)]
    one, other = merge_signatures([told(*calls)]), merge_signatures([told(*reversed(calls))])

    assert [seen.operation for seen in one.seen] == ["aten::tanh.default", "aten::add.Tensor", "aten::mm.default"]
    assert one.to_bytes() == other.to_bytes()


def test_a_call_is_named_in_a_few_words() -> None:
    many = Call.model_validate_json(json.dumps(call("aten::_foreach_norm.Scalar", inputs=[[TENSOR] * 5, 2])))

    assert name_call(many) == "aten::_foreach_norm.Scalar f32[2,3] f32[2,3] f32[2,3] …"


def test_parts_of_digests_that_differ_are_counted() -> None:
    assert differing_parts("0" * 128, "0" * 128) == 0
    assert differing_parts("0" * 128, "1" + "0" * 127) == 1
    assert differing_parts("0" * 128, "1" * 128) == 32
