import struct
from pathlib import Path

import numpy as np
import pytest
from builders.models import field, onnx_file, onnx_model, onnx_tensor, varint
from builders.results import compare_bytes_of
from hypothesis import given, settings
from hypothesis import strategies as st

from reprobuild.verdict.document import Comparison, Outcome

WEIGHTS = np.linspace(-1, 1, 12, dtype="<f4").reshape(4, 3)
FLOAT, INT8, INT64, STRING, FLOAT16, DOUBLE, UINT64, BFLOAT16, FLOAT8, INT4 = 1, 3, 7, 8, 10, 11, 13, 16, 17, 22
INT32_DATA, STRING_DATA, INT64_DATA, RAW, DOUBLE_DATA, UINT64_DATA = 5, 6, 7, 9, 10, 11


def weights(array: object = WEIGHTS, name: str = "layer.3.weight") -> bytes:
    return onnx_tensor(name, FLOAT, (4, 3), (RAW, np.asarray(array).tobytes()))


def told(comparison: Comparison) -> tuple[str, str, str, int | None]:
    assert comparison.outcome is Outcome.DIFFERENT, comparison
    assert comparison.first is not None
    return comparison.first.where, comparison.first.recorded, comparison.first.seen, comparison.first.ulps


def test_one_unit_in_the_last_place_of_one_weight_is_named(tmp_path: Path) -> None:
    seen = WEIGHTS.copy()
    seen[2, 1] = np.nextafter(seen[2, 1], np.float32(2))
    bias = onnx_tensor("layer.3.bias", FLOAT, (3,), (RAW, bytes(12)))
    sides = (onnx_model([weights(), bias]), onnx_model([bias, weights(seen)], backwards=True, producer="other"))
    comparison = compare_bytes_of(tmp_path, "m.onnx", *sides)

    assert told(comparison) == ("layer.3.weight[2, 1]", str(WEIGHTS[2, 1]), str(seen[2, 1]), 1)
    assert (comparison.differing, comparison.tensors, comparison.differing_tensors) == (1, 2, 1)


def test_another_order_of_fields_has_the_same_values(tmp_path: Path) -> None:
    sides = (onnx_model([weights()]), onnx_model([weights()], backwards=True))
    comparison = compare_bytes_of(tmp_path, "m.onnx", *sides)

    assert comparison.outcome is Outcome.SAME_VALUES
    assert comparison.detail == "only these differ: order and spelling of the fields"


def test_who_wrote_it_and_what_was_said_of_it_do_not_matter_and_are_named(tmp_path: Path) -> None:
    sides = (onnx_model([weights()]), onnx_model([weights()], producer="b", doc="File /tmp/x/train.py, line 3"))
    comparison = compare_bytes_of(tmp_path, "m.onnx", *sides)

    assert comparison.outcome is Outcome.SAME_VALUES
    assert comparison.detail == "only these differ: documentation, who wrote it"


PACKED = b"".join(varint(number) for number in (1, -2, 300))


@pytest.mark.parametrize(
    ("kind", "one", "other", "where"),
    [
        (FLOAT, [(4, struct.pack("<3f", 1, 2, 3))], [(4, 1.0), (4, 2.0), (4, 3.0)], ""),
        (FLOAT, [(4, struct.pack("<3f", 1, 2, 3))], [(RAW, struct.pack("<3f", 1, 2, 3))], ""),
        (DOUBLE, [(DOUBLE_DATA, struct.pack("<3d", 1, 2, 3))], [(RAW, struct.pack("<3d", 1, 2, 4))], "w[2]"),
        (INT64, [(INT64_DATA, PACKED)], [(RAW, struct.pack("<3q", 1, -2, 300))], ""),
        (INT64, [(INT64_DATA, 1), (INT64_DATA, -2), (INT64_DATA, 300)], [(INT64_DATA, PACKED)], ""),
        (INT8, [(INT32_DATA, b"".join(map(varint, (1, -2, 3))))], [(RAW, struct.pack("<3b", 1, -2, 4))], "w[2]"),
        (UINT64, [(UINT64_DATA, PACKED)], [(RAW, struct.pack("<3q", 1, -2, 300))], ""),
        (FLOAT16, [(INT32_DATA, b"".join(map(varint, (0x3C00, 0, 0))))], [(RAW, b"\x00\x3c\0\0\x01\0")], "w[2]"),
        (BFLOAT16, [(RAW, b"\x80\x3f\x80\x3f\x80\x3f")], [(RAW, b"\x80\x3f\x81\x3f\x80\x3f")], "w[1]"),
        (FLOAT8, [(RAW, b"\x38\x38\x38")], [(RAW, b"\x38\x39\x38")], "w[1]"),
        (INT4, [(RAW, b"\x12\x03")], [(RAW, b"\x12\x04")], "w[1]"),
        (STRING, [(STRING_DATA, "a"), (STRING_DATA, "b")], [(STRING_DATA, "a"), (STRING_DATA, "c")], "w.strings[1]"),
    ],
)
def test_numbers_are_read_from_the_field_that_holds_them(
    tmp_path: Path,
    kind: int,
    one: list[tuple[int, int | float | str | bytes]],
    other: list[tuple[int, int | float | str | bytes]],
    where: str,
) -> None:
    sides = [onnx_model([onnx_tensor("w", kind, (3,), *fields)]) for fields in (one, other)]
    comparison = compare_bytes_of(tmp_path, "m.onnx", *sides)

    if where:
        assert told(comparison)[0] == where
    else:
        assert comparison.outcome is Outcome.SAME_VALUES, comparison


def test_a_graph_that_computes_something_else_differs(tmp_path: Path) -> None:
    sides = (onnx_model([weights()]), onnx_model([weights()], operator="Tanh"))

    assert told(compare_bytes_of(tmp_path, "m.onnx", *sides))[:3] == ("graph.node[0].op_type", "'Relu'", "'Tanh'")


def test_a_weight_that_one_side_lacks_is_named(tmp_path: Path) -> None:
    sides = (onnx_model([weights()]), onnx_model([weights(name="other")]))

    assert told(compare_bytes_of(tmp_path, "m.onnx", *sides))[:3] == (
        "layer.3.weight",
        "a tensor of float32 [4, 3]",
        "nothing there",
    )


def test_a_real_graph_is_read(tmp_path: Path) -> None:
    real = onnx_file()
    comparison = compare_bytes_of(tmp_path, "m.onnx", real, real + field(6, "a text"))

    assert comparison.outcome is Outcome.SAME_VALUES
    assert comparison.detail == "only these differ: documentation"


def nested(depth: int) -> bytes:
    graph = field(2, "end")
    for _ in range(depth):
        graph = field(1, field(5, field(1, "body") + field(6, graph)))
    return field(7, graph)


HOSTILE = {
    "external": (onnx_model([onnx_tensor("w", FLOAT, (3,), (13, field(1, "location")), (14, 1))]), "in another file"),
    "a shape without numbers": (
        onnx_model([onnx_tensor("w", FLOAT, (1 << 40, 1 << 40))]),
        "beyond the end of its storage",
    ),
    "a negative shape": (onnx_model([onnx_tensor("w", FLOAT, (-1,), (RAW, b""))]), "a negative or unusual shape"),
    "too many dimensions": (onnx_model([onnx_tensor("w", FLOAT, (1,) * 99)]), "a negative or unusual shape"),
    "another size": (onnx_model([onnx_tensor("w", FLOAT, (3,), (RAW, bytes(13)))]), "another size than its shape"),
    "numbers twice": (onnx_model([onnx_tensor("w", FLOAT, (1,), (RAW, bytes(4)), (4, bytes(4)))]), "its numbers twice"),
    "an unknown type": (
        onnx_model([onnx_tensor("w", 99, (1,), (RAW, bytes(4)))]),
        "numbers of an unknown type, type 99",
    ),
    "two of one name": (onnx_model([weights(), weights()]), "two things of the name 'layer.3.weight'"),
    "a number that ends early": (onnx_model([onnx_tensor("w", INT64, (1,), (INT64_DATA, b"\xff"))]), "that ends early"),
    "a long number": (onnx_model([onnx_tensor("w", INT64, (1,), (INT64_DATA, b"\xff" * 99 + b"\0"))]), "64 bits"),
    "a part of a tensor": (onnx_model([onnx_tensor("w", FLOAT, (1,), (3, b""))]), "field 3, which is not known"),
    "deep": (nested(200), "messages nested deeper than 32"),
    "no graph": (field(1, 8), "it has no graph"),
}


@pytest.mark.parametrize(("data", "problem"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_models_are_refused_in_one_line(tmp_path: Path, data: bytes, problem: str) -> None:
    comparison = compare_bytes_of(tmp_path, "m.onnx", data, data + field(6, "more"))

    assert comparison.outcome is Outcome.FAILED
    assert problem in comparison.detail
    assert "\n" not in comparison.detail


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_damage_makes_a_comparison_raise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    good = onnx_model([weights(), onnx_tensor("b", INT64, (3,), (INT64_DATA, PACKED))])
    whole = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    kept = bytes(whole[: data.draw(st.integers(0, len(whole)))])

    assert isinstance(compare_bytes_of(tmp_path_factory.mktemp("sides"), "m.onnx", good, kept), Comparison)
