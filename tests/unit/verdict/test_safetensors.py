import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.models import safetensors_file
from builders.results import compare_bytes_of
from hypothesis import given, settings
from hypothesis import strategies as st

from reprobuild.verdict.document import Comparison, Outcome

CODES = {"float16": "F16", "float32": "F32", "float64": "F64", "int64": "I64"}
WEIGHTS = np.linspace(-1, 1, 12).reshape(4, 3)


def saved(arrays: dict[str, Any], about: dict[str, str] | None = None, *, spaces: bool = False) -> bytes:
    header: dict[str, object] = {"__metadata__": about} if about else {}
    body = b""
    for name, array in arrays.items():
        place = [len(body), len(body) + array.nbytes]
        header[name] = {"dtype": CODES[str(array.dtype)], "shape": list(array.shape), "data_offsets": place}
        body += array.tobytes()
    return safetensors_file(json.dumps(header, indent=4 if spaces else None).encode(), body)


def told(comparison: Comparison) -> tuple[str, str, str, int | None]:
    assert comparison.outcome is Outcome.DIFFERENT, comparison
    assert comparison.first is not None
    return comparison.first.where, comparison.first.recorded, comparison.first.seen, comparison.first.ulps


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_one_unit_in_the_last_place_of_one_weight_is_named(tmp_path: Path, kind: str) -> None:
    weights = WEIGHTS.astype(kind)
    moved = weights.copy()
    moved[2, 1] = np.nextafter(moved[2, 1], np.array(2, kind))
    others = {"layer.10.weight": WEIGHTS, "layer.3.bias": WEIGHTS[0]}
    sides = (saved({**others, "layer.3.weight": weights}), saved({"layer.3.weight": moved, **others}))
    comparison = compare_bytes_of(tmp_path, "m.safetensors", *sides)

    assert told(comparison) == ("layer.3.weight[2, 1]", str(weights[2, 1]), str(moved[2, 1]), 1)
    assert (comparison.differing, comparison.values) == (1, 27)


@pytest.mark.parametrize(("code", "size"), [("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1)])
def test_small_floats_have_units_of_their_own(tmp_path: Path, code: str, size: int) -> None:
    def one(last: int) -> bytes:
        about = {"layer.3.weight": {"dtype": code, "shape": [4, 3], "data_offsets": [0, 12 * size]}}
        body = bytearray([0x3C] * 12 * size)
        body[7 * size] = last
        return safetensors_file(about, bytes(body))

    assert told(compare_bytes_of(tmp_path, "m.safetensors", one(0x3C), one(0x3D)))[::3] == ("layer.3.weight[2, 1]", 1)


def test_order_and_spelling_of_the_header_do_not_matter(tmp_path: Path) -> None:
    arrays = {"a": WEIGHTS, "b": WEIGHTS.astype("f2")}
    again = saved(dict(reversed(arrays.items())), spaces=True)
    comparison = compare_bytes_of(tmp_path, "m.safetensors", saved(arrays), again)

    assert (comparison.outcome, comparison.values) == (Outcome.SAME_VALUES, 24)
    assert comparison.detail == "only these differ: order and spelling of the header"


def test_metadata_do_not_matter_and_are_named(tmp_path: Path) -> None:
    sides = [saved({"a": WEIGHTS}, {"made": made}) for made in ("2026-01-01", "2026-01-02")]
    comparison = compare_bytes_of(tmp_path, "m.safetensors", *sides)

    assert (comparison.outcome, comparison.detail) == (Outcome.SAME_VALUES, "only these differ: metadata")


def test_an_element_beyond_the_first_mebibyte_has_its_place(tmp_path: Path) -> None:
    recorded = np.zeros((3, 1 << 18))
    seen = recorded.copy()
    seen[2, 5] = -1.5
    sides = (saved({"a": recorded}), saved({"a": seen}))

    assert told(compare_bytes_of(tmp_path, "m.safetensors", *sides))[:3] == ("a[2, 5]", "0.0", "-1.5")


def test_a_file_that_only_one_side_can_be_read_of_is_a_difference(tmp_path: Path) -> None:
    good = saved({"a": WEIGHTS})
    broken = compare_bytes_of(tmp_path, "m.safetensors", good, good[:-1])
    both = compare_bytes_of(tmp_path, "m.safetensors", good[:-2], good[:-1])

    assert (broken.outcome, both.outcome) == (Outcome.DIFFERENT, Outcome.FAILED)
    assert broken.detail == "the seen file: its tensors and its size do not agree"


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({"a": {"dtype": "F32", "shape": [1 << 40, 1 << 40], "data_offsets": [0, 4]}}, bytes(4)),
        ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4 << 40]}}, bytes(4)),
        (
            {name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in "ab"},
            bytes(4),
        ),
        ({"a": {"dtype": "F4", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
        (b'{"a": 1, "a": 2}', b""),
        (b"[" * 1000, b""),
    ],
)
def test_hostile_headers_are_refused_in_one_line(tmp_path: Path, header: object, body: bytes) -> None:
    data = safetensors_file(header, body)
    again = struct.pack("<Q", struct.unpack_from("<Q", data)[0] + 1) + data[8 : len(data) - len(body)] + b" " + body
    comparison = compare_bytes_of(tmp_path, "m.safetensors", data, again)

    assert comparison.outcome is Outcome.FAILED
    assert comparison.detail
    assert "\n" not in comparison.detail


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_makes_a_comparison_raise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    good = saved({"a": WEIGHTS, "b": WEIGHTS.astype("f2")})
    whole = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    kept = bytes(whole[: data.draw(st.integers(0, len(whole)))])

    assert isinstance(compare_bytes_of(tmp_path_factory.mktemp("sides"), "m.safetensors", good, kept), Comparison)
