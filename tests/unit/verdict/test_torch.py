import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.models import CHECKPOINT, WHOLE, Called, Laid, torch_file, torch_zip, unpacked
from builders.results import compare_bytes_of
from hypothesis import given, settings
from hypothesis import strategies as st

from reprobuild.verdict.decide import explain
from reprobuild.verdict.document import Comparison, Outcome

WEIGHTS = np.linspace(-1, 1, 12).reshape(4, 3)
STORAGES = {"float16": "HalfStorage", "float32": "FloatStorage", "float64": "DoubleStorage", "int64": "LongStorage"}


def stored(array: Any, key: str = "0", **changes: Any) -> Laid:
    """The tensor of an array whose bytes are a storage."""
    strides = tuple(step // array.itemsize for step in array.strides)
    return Laid(STORAGES[str(array.dtype)], key, array.shape, strides, size=array.size, **changes)


def checkpoint(arrays: Mapping[str, Any], **changes: Any) -> bytes:
    named = {name: stored(array, str(key)) for key, (name, array) in enumerate(arrays.items())}
    return torch_file(named, {str(key): array.tobytes() for key, array in enumerate(arrays.values())}, **changes)


def bumped(array: Any, place: tuple[int, ...], steps: int = 1) -> Any:
    """The array with one element moved by some units in the last place."""
    other = array.copy()
    for _ in range(steps):
        other[place] = np.nextafter(other[place], np.array(np.inf, array.dtype))
    return other


def told(comparison: Comparison) -> tuple[str, str, str, int | None]:
    assert comparison.outcome is Outcome.DIFFERENT, comparison
    assert comparison.first is not None
    return comparison.first.where, comparison.first.recorded, comparison.first.seen, comparison.first.ulps


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_one_unit_in_the_last_place_of_one_weight_is_named(tmp_path: Path, kind: str) -> None:
    weights = WEIGHTS.astype(kind)
    arrays = {"layer.10.weight": WEIGHTS, "layer.3.weight": weights, "layer.3.bias": weights[0].copy()}
    seen = {**arrays, "layer.3.weight": bumped(weights, (2, 1))}
    comparison = compare_bytes_of(tmp_path, "model.pt", checkpoint(arrays), checkpoint(seen))

    assert told(comparison) == ("layer.3.weight[2, 1]", str(weights[2, 1]), str(seen["layer.3.weight"][2, 1]), 1)
    assert (comparison.differing, comparison.values, comparison.max_ulps) == (1, 27, 1)
    assert explain(comparison).endswith(", in 1 of 3 tensors")


def test_one_unit_in_the_last_place_of_a_bfloat16_is_named(tmp_path: Path) -> None:
    recorded = (WEIGHTS.astype("f4").view("u4") >> 16).astype("<u2")
    seen = recorded.copy()
    seen[2, 1] += 1
    laid = {"layer.3.weight": Laid("BFloat16Storage", "0", (4, 3), (3, 1), size=12)}
    sides = [torch_file(laid, {"0": side.tobytes()}) for side in (recorded, seen)]

    first = told(compare_bytes_of(tmp_path, "model.pt", *sides))
    assert first == ("layer.3.weight[2, 1]", "0.27148438", "0.2734375", 1)


@pytest.mark.parametrize(
    ("kind", "recorded", "seen", "spelled"),
    [
        ("float8_e4m3fn", 0x38, 0x39, ("1.0", "1.125", 1)),
        ("float8_e4m3fn", 0x7E, 0x7F, ("448.0", "nan", None)),
        ("float8_e5m2", 0x3C, 0x3E, ("1.0", "1.5", 2)),
        ("float8_e5m2", 0x7B, 0x7C, ("57344.0", "inf", 1)),
        ("float8_e5m2", 0x00, 0x80, ("0.0", "-0.0", 0)),
        ("float8_e5m2", 0x01, 0x81, ("1.52587890625e-05", "-1.52587890625e-05", 2)),
        ("float8_e4m3fnuz", 0x40, 0x41, ("1.0", "1.125", 1)),
        ("float8_e8m0fnu", 127, 129, ("1.0", "4.0", 2)),
        ("float4_e2m1fn_x2", 1, 2, ("1", "2", None)),
        ("uint8", 1, 2, ("1", "2", None)),
    ],
)
def test_numbers_of_a_byte_differ_by_their_own_width(
    tmp_path: Path, kind: str, recorded: int, seen: int, spelled: tuple[str, str, int | None]
) -> None:
    laid = {"w": Laid(kind, "0", (2,), (1,), size=2)}
    sides = [torch_file(laid, {"0": bytes([0x20, side])}) for side in (recorded, seen)]

    assert told(compare_bytes_of(tmp_path, "model.pt", *sides)) == ("w[1]", *spelled)


def test_another_spelling_has_the_same_values_and_is_named(tmp_path: Path) -> None:
    arrays = {"b": WEIGHTS, "a": WEIGHTS[0].copy()}
    again = checkpoint(dict(reversed(arrays.items())), year=2020, folder="other", backwards=True)
    comparison = compare_bytes_of(tmp_path, "model.pth", checkpoint(arrays), again)

    assert (comparison.outcome, comparison.values) == (Outcome.SAME_VALUES, 15)
    assert "times, order, identifiers" in comparison.detail


def test_a_compressed_zip_has_the_same_values(tmp_path: Path) -> None:
    arrays = {"a": WEIGHTS}
    packed = checkpoint(arrays, method=zipfile.ZIP_DEFLATED)

    assert compare_bytes_of(tmp_path, "m.ckpt", checkpoint(arrays), packed).outcome is Outcome.SAME_VALUES


def test_strides_devices_and_sharing_are_no_values(tmp_path: Path) -> None:
    turned = np.ascontiguousarray(WEIGHTS.T)
    recorded = {"a": stored(WEIGHTS), "b": stored(WEIGHTS)}
    seen = {"a": Laid("DoubleStorage", "1", (4, 3), (1, 4), size=12, device="cuda:0"), "b": stored(WEIGHTS, "0")}
    data = {"0": WEIGHTS.tobytes()}
    comparison = compare_bytes_of(
        tmp_path, "m.pt", torch_file(recorded, data), torch_file(seen, {**data, "1": turned.tobytes()})
    )

    assert comparison.outcome is Outcome.SAME_VALUES, comparison
    assert comparison.detail == (
        "only these differ: devices of tensors, strides of tensors, which tensors share their numbers"
    )


def test_the_element_of_a_turned_tensor_is_named_by_its_shape(tmp_path: Path) -> None:
    turned = Laid("DoubleStorage", "0", (3, 4), (1, 3), size=12)
    sides = [torch_file({"w": turned}, {"0": side.tobytes()}) for side in (WEIGHTS, bumped(WEIGHTS, (2, 1)))]

    assert told(compare_bytes_of(tmp_path, "m.pt", *sides))[0] == "w[1, 2]"


def test_a_part_of_a_storage_is_compared_alone(tmp_path: Path) -> None:
    part = {"w": Laid("DoubleStorage", "0", (2, 2), (6, 2), offset=1, size=12)}
    sides = [
        torch_file(part, {"0": side.tobytes()}) for side in (WEIGHTS, bumped(WEIGHTS, (0, 0)), bumped(WEIGHTS, (3, 0)))
    ]

    assert compare_bytes_of(tmp_path, "m.pt", *sides[:2]).outcome is Outcome.SAME_VALUES
    assert told(compare_bytes_of(tmp_path, "m.pt", sides[0], sides[2]))[0] == "w[1, 1]"


def test_numbers_beside_the_tensors_are_compared(tmp_path: Path) -> None:
    def state(step: float, rate: float, moment: Any) -> bytes:
        value = {
            "optimizer": {
                "state": {0: {"step": step, "exp_avg": stored(moment)}},
                "param_groups": [{"lr": rate, "betas": (0.9, 0.999), "params": [0], "fused": None, "foreach": False}],
            },
            "epoch": 3,
        }
        return torch_file(value, {"0": moment.tobytes()})

    recorded = state(12.0, 0.001, WEIGHTS)
    comparison = compare_bytes_of(tmp_path, "m.pt", recorded, state(12.0, 0.001 + 2**-62, WEIGHTS))

    assert told(comparison)[0] == "optimizer.param_groups[0].lr"
    assert (
        told(compare_bytes_of(tmp_path, "m.pt", recorded, state(13.0, 0.001, WEIGHTS)))[0] == "optimizer.state[0].step"
    )
    moved = compare_bytes_of(tmp_path, "m.pt", recorded, state(12.0, 0.001, bumped(WEIGHTS, (1, 0), 3)))
    assert told(moved)[::3] == ("optimizer.state[0].exp_avg[1, 0]", 3)


def test_an_integer_larger_than_any_float_is_compared(tmp_path: Path) -> None:
    recorded, seen = (torch_file(pickle.dumps({"epoch": 10**400, "step": step}, 2), {}) for step in (1, 10**400))
    comparison = compare_bytes_of(tmp_path, "m.pt", recorded, seen)

    assert told(comparison)[:2] == ("step", "1")
    assert (comparison.differing, comparison.values) == (1, 2)


@pytest.mark.parametrize(
    ("recorded", "seen", "where"),
    [
        ({"a": 1}, {"a": 1.0}, "a"),
        ({"a": 0.0}, {"a": -0.0}, "a"),
        ({"a": True}, {"a": 1}, "a"),
        ({"a": [1]}, {"a": (1,)}, "a"),
        ({"a": [1]}, {"a": [1, 2]}, "a[1]"),
        ({"a": {"b": 1}}, {"a.b": 1}, "a"),
        ({"a": "x"}, {"a": "y"}, "a"),
        ({0: 1}, {"0": 1}, "[0]"),
        ({"a": Called("torch device", ("cpu",))}, {"a": Called("torch device", ("cuda", 0))}, "a"),
        ({"a": stored(WEIGHTS)}, {"a": 1.0}, "a"),
        ({"a": stored(WEIGHTS)}, {"b": stored(WEIGHTS)}, "a"),
        ({"a": stored(WEIGHTS)}, {"a": stored(WEIGHTS.reshape(3, 4))}, "a: shape"),
        ({"a": stored(WEIGHTS)}, {"a": stored(WEIGHTS.view("i8"))}, "a: type"),
        ({"a": stored(WEIGHTS)}, {"a": stored(WEIGHTS, grad=True)}, "a: kind"),
    ],
)
def test_what_is_not_the_same_is_named_the_same_from_both_sides(
    tmp_path: Path, recorded: Any, seen: Any, where: str
) -> None:
    one, other = (torch_file(side, {"0": WEIGHTS.tobytes()}) for side in (recorded, seen))

    assert told(compare_bytes_of(tmp_path, "m.pt", one, other))[0] == where
    assert told(compare_bytes_of(tmp_path, "m.pt", other, one))[0] == where


def test_scalars_and_arrays_of_numpy_are_values(tmp_path: Path) -> None:
    def made(value: float) -> bytes:
        data = struct.pack("<d", value).decode("latin1")
        return b"\x80\x02}X\x04\0\0\0best" + scalar(data) + b"s."

    def scalar(data: str) -> bytes:
        kind = b"cnumpy\ndtype\nX\x02\0\0\0f8\x89\x88\x87R(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
        text = data.encode()
        spelled = b"X" + struct.pack("<I", len(text)) + text + b"X\x06\0\0\0latin1\x86R"
        return b"cnumpy._core.multiarray\nscalar\n" + kind + b"c_codecs\nencode\n" + spelled + b"\x86R"

    comparison = compare_bytes_of(tmp_path, "m.pt", torch_file(made(0.5), {}), torch_file(made(0.5 + 2**-53), {}))

    assert told(comparison) == ("best", "0.5", "0.5000000000000001", 1)


def test_what_only_running_it_could_read_is_compared_as_bytes_and_says_so(tmp_path: Path) -> None:
    whole = torch_zip(WHOLE)
    for name, recorded, why in (
        ("m.pt", whole, "a pickle with NEWOBJ, which no state dict needs"),
        ("m.bin", b"abcdef", "not PyTorch's zip"),
        ("m.pt", torch_file({"w": 1}, {}, more={"code/model.py": b"import os"}), "more than a state dict"),
        ("m.pt", torch_file({"w": Called("os system", ("true",))}, {}), "asks for 'os system' to be called"),
    ):
        comparison = compare_bytes_of(tmp_path, name, recorded, recorded + b"x")
        assert (comparison.outcome, comparison.compared_as) == (Outcome.DIFFERENT, "bytes")
        assert why in comparison.detail
        assert why in explain(comparison)


def test_a_checkpoint_as_pytorch_wrote_it_is_read(tmp_path: Path) -> None:
    storages = {str(key): bytes(64) for key in range(12)}
    moved = {**storages, "1": bytes([0, 0, 128, 63]) * 16}
    sides = [torch_file(unpacked(CHECKPOINT), held) for held in (storages, moved)]
    comparison = compare_bytes_of(tmp_path, "m.pt", *sides)

    assert told(comparison)[:3] == ("model.0.bias[0]", "0.0", "1.0")
    assert (comparison.tensors, comparison.differing_tensors) == (9, 1)


def forged(**changes: Any) -> bytes:
    fields: dict[str, Any] = {"kind": "DoubleStorage", "storage": "0", "shape": (4, 3), "strides": (3, 1), "size": 12}
    return torch_file({"w": Laid(**{**fields, **changes})}, {"0": WEIGHTS.tobytes()})


def overlapping() -> bytes:
    """Two storages, the second's directory entry leading into the first."""
    data = bytearray(torch_file({"a": stored(WEIGHTS), "b": stored(WEIGHTS, "1")}, {"0": bytes(96), "1": bytes(96)}))
    entries = [at for at in range(len(data)) if data.startswith(b"PK\x01\x02", at)]
    places = {bytes(data[at + 46 : at + 46 + data[at + 28]]): at for at in entries}
    first, second = (places[f"archive/data/{key}".encode()] for key in "01")
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    return bytes(data)


HOSTILE = {
    "beyond its storage": (forged(offset=1), "a tensor that reaches beyond the end of its storage"),
    "a shape beyond its storage": (forged(shape=(5, 3)), "a tensor that reaches beyond the end of its storage"),
    "strides beyond its storage": (forged(strides=(1 << 40, 1)), "reaches beyond the end of its storage"),
    "negative strides": (forged(strides=(-3, 1)), "a tensor that has no shape"),
    "a negative offset": (forged(offset=-1), "a tensor that has no shape"),
    "a storage that ends early": (forged(size=13), "a zip whose storage '0' ends early"),
    "no storage": (forged(storage="7"), "a zip without its storage '7'"),
    "a storage elsewhere": (forged(storage="../data.pkl"), "a zip without its storage '../data.pkl'"),
    "repeated for ever": (forged(shape=(1 << 30, 1 << 30), strides=(0, 0)), "repeat what is in their storages"),
    "too many dimensions": (forged(shape=(1,) * 33, strides=(1,) * 33), "a tensor of an unusual kind"),
    "overlapping storages": (overlapping(), ""),
    "deep": (torch_file(b"\x80\x02" + b"]" * 90_000 + b"a" * 89_999 + b".", {}), "nested too deep or too wide"),
}


@pytest.mark.parametrize(("data", "problem"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_checkpoints_are_refused_in_one_line(tmp_path: Path, data: bytes, problem: str) -> None:
    other = data.replace(b"1980", b"1981")
    comparison = compare_bytes_of(tmp_path, "m.pt", data, other)

    assert problem in comparison.detail
    assert comparison.outcome in (Outcome.FAILED, Outcome.DIFFERENT)
    assert "\n" not in comparison.detail


def bomb() -> bytes:
    """Lists that each hold the one before them twice: 2 ** 25 values for whoever walks them."""
    value: list[object] = []
    for _ in range(25):
        value = [value, value]
    return torch_file(pickle.dumps({"weights": value}, 2), {})


def test_tables_that_hold_each_other_many_times_are_not_walked(tmp_path: Path) -> None:
    comparison = compare_bytes_of(tmp_path, "m.pt", bomb(), bomb().replace(b"1980", b"1981"))

    assert comparison.outcome is Outcome.FAILED
    assert "nested too deep or too wide" in comparison.detail


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_damage_makes_a_comparison_raise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    good = checkpoint({"a": WEIGHTS, "b": WEIGHTS.astype("f2")})
    whole = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    kept = bytes(whole[: data.draw(st.integers(len(whole) // 2, len(whole)))])
    comparison = compare_bytes_of(tmp_path_factory.mktemp("sides"), "m.pt", good, kept)

    assert isinstance(comparison, Comparison)
