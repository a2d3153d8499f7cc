import io
import pickle
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builders.models import CHECKPOINT, WHOLE, onnx_file, safetensors_file, torch_zip
from hypothesis import given, settings
from hypothesis import strategies as st

from reprobuild.ground.errors import InputError
from reprobuild.ground.tree import write_tree
from reprobuild.tensors.model import Model
from reprobuild.tensors.read import read_model, read_models

GOOD = {"b": {"dtype": "F32", "shape": [2, 3], "data_offsets": [32, 56]},
        "a": {"dtype": "I64", "shape": [4], "data_offsets": [0, 32]}}  # fmt: skip


def read(name: str, data: bytes) -> Model:
    return read_model(io.BytesIO(data), name, len(data))


def told(model: Model) -> list[tuple[str, str, tuple[int, ...]]]:
    assert model.problem == ""
    return [(tensor.name, tensor.dtype, tensor.shape) for tensor in model.tensors]


def test_safetensors_tell_their_tensors_in_the_order_of_the_file() -> None:
    model = read("m.safetensors", safetensors_file({**GOOD, "__metadata__": {"format": "np"}}, bytes(56)))

    assert told(model) == [("a", "I64", (4,)), ("b", "F32", (2, 3))]
    assert (model.about, model.count) == ((("format", "np"),), 10)


def test_numpy_tells_its_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", w=np.zeros((2, 3), np.float32), b=np.zeros((), np.int8))
    np.save(tmp_path / "m.npy", np.zeros((7,)))

    assert told(read("m.npz", (tmp_path / "m.npz").read_bytes())) == [("w", "float32", (2, 3)), ("b", "int8", ())]
    assert told(read("out/m.npy", (tmp_path / "m.npy").read_bytes())) == [("out/m.npy", "float64", (7,))]


def test_a_real_checkpoint_of_pytorch_tells_its_tensors() -> None:
    assert told(read("m.pt", torch_zip(CHECKPOINT))) == [
        ("model.0.weight", "float32", (2, 3)),
        ("model.0.bias", "float32", (2,)),
        ("model.1.weight", "float32", (2,)),
        ("model.1.bias", "float32", (2,)),
        ("model.1.running_mean", "float32", (2,)),
        ("model.1.running_var", "float32", (2,)),
        ("model.1.num_batches_tracked", "int64", ()),
        ("half", "bfloat16", (4,)),
        ("small", "float8_e4m3fn", (2,)),
    ]


def test_a_real_graph_of_onnx_tells_its_weights_and_operators() -> None:
    model = read("m.onnx", onnx_file())

    assert told(model) == [("w", "float32", (4, 3))]
    assert model.about == (("written by", "made"), ("operators", "1 MatMul, 1 Relu"))


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("/tmp/reprobuild-was-here"),))


def bomb() -> bytes:
    """A pickle in which each list holds the one before it twice: 2 ** 40 items for whoever walks it."""
    value: list[object] = []
    for _ in range(40):
        value = [value, value]
    return pickle.dumps({"weights": value}, 2)


def long_header() -> bytes:
    """A zip of an array whose header claims four gibibytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFF_FFFF) + b" " * (1 << 20))
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("m.pt", torch_zip(WHOLE), "a pickle with NEWOBJ, which no state dict needs"),
        ("m.pt", torch_zip(pickle.dumps({"w": Evil()}, 2)), "to be called"),
        ("m.pt", torch_zip(b"cos\nsystem\n(X\x02\x00\x00\x00lstR."), "asks for 'os system' to be called"),
        ("m.pt", torch_zip(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00lsR."), "a pickle that calls what is no function"),
        ("m.pt", torch_zip(bomb()), "nested too deep or too wide"),
        ("m.pt", torch_zip(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."), "nested too deep or too wide"),
        ("m.pt", torch_zip(b"\x80\x02" + b"N" * 2_100_000 + b"."), "a pickle of more than 2000000 steps"),
        ("m.pt", torch_zip(b"\x80\x02}X\xff\xff\xff\x7fabc."), "expected 2147483647 bytes"),
        ("m.pt", torch_zip(b"\x80\x02R."), "pop from empty list"),
        ("m.pt", torch_zip(b"\x80\x02h\x05."), "it is broken: 5"),
        ("m.pt", torch_zip(b""), "pickle exhausted before seeing STOP"),
        ("m.pt", torch_zip(CHECKPOINT, "other.pkl"), "a zip without the data.pkl of a state dict"),
        ("m.pt", pickle.dumps({"w": 1}), "not PyTorch's zip"),
        ("m.pkl", pickle.dumps({"w": 1}), "a pickle is a program, which reading would run"),
        ("m.h5", b"\x89HDF", "HDF5 is a format that is not read here"),
        ("m.safetensors", b"\x10", "it ends early"),
        ("m.safetensors", struct.pack("<Q", 1 << 62), "a header of 4611686018427387904 bytes"),
        ("m.safetensors", safetensors_file(b"{" * 100), "nested deeper than 4"),
        ("m.safetensors", safetensors_file(GOOD, bytes(55)), "its tensors and its size do not agree"),
        ("m.safetensors", safetensors_file({"b": GOOD["b"]}, bytes(56)), "its tensors overlap or leave gaps"),
        (
            "m.safetensors",
            safetensors_file({"a": {**GOOD["a"], "shape": [5]}}, bytes(32)),
            "another size than its shape",
        ),
        ("m.safetensors", safetensors_file({"a": {**GOOD["a"], "shape": [-4]}}, bytes(32)), "a wrong shape or place"),
        (
            "m.safetensors",
            safetensors_file({"a": {**GOOD["a"], "dtype": []}}, bytes(32)),
            "not described as the format",
        ),
        ("m.safetensors", safetensors_file({"a": {**GOOD["a"], "x": 1}}, bytes(32)), "not described as the format"),
        ("m.safetensors", safetensors_file({"a": 1}, bytes(32)), "not described as the format"),
        ("m.safetensors", safetensors_file([1]), "its header is no table of tensors"),
        ("m.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f8'}", "not a .npy file"),
        ("m.npz", b"PK\x05\x06", "not a zip"),
        ("m.npz", long_header(), "a header of 4294967295 bytes, at most 65536 are read"),
        ("m.onnx", b"", "it has no graph"),
        ("m.onnx", b"\x00\x00", "begins no field"),
        ("m.onnx", b"\x3a\xff\xff\xff\xff\x7f", "it ends early"),
        ("m.onnx", b"\xff" * 20, "a number of more than 64 bits"),
        ("m.onnx", onnx_file()[:-30], "it ends early"),
    ],
)
def test_what_is_hostile_or_broken_is_not_readable_and_says_why(name: str, data: bytes, problem: str) -> None:
    begun = time.monotonic()
    model = read(name, data)

    assert problem in model.problem
    assert "\n" not in model.problem
    assert model.tensors == ()
    assert time.monotonic() - begun < 30
    assert not Path("/tmp/reprobuild-was-here").exists()


def test_rows_above_many_values_are_read_without_going_through_the_values() -> None:
    pickled = b"\x80\x02" + b"K\x01" * 400_000 + b"(t" * 200_000 + b"."
    model = read("m.pt", torch_zip(pickled))

    assert (model.problem, model.tensors) == ("", ())


@pytest.mark.parametrize("pickled", [b"\x80\x02K\x01t.", b"\x80\x02K\x01(\x85.", b"\x80\x02}(K\x01K\x01s."])
def test_a_row_without_a_mark_and_a_reach_below_one_are_broken(pickled: bytes) -> None:
    assert read("m.pt", torch_zip(pickled)).problem.startswith("it is broken: ")


def test_arrays_of_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.array([Evil()], dtype=object), allow_pickle=True)

    assert "pickled objects, which are never loaded" in read("m.npy", (tmp_path / "m.npy").read_bytes()).problem


def test_zips_are_bounded(tmp_path: Path) -> None:
    huge = io.BytesIO()
    with zipfile.ZipFile(huge, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(33 << 20))
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("a.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.npy", b"")

    assert read("m.pt", huge.getvalue()).problem == f"a data.pkl of {33 << 20} bytes"
    assert read("m.npz", twice.getvalue()).problem == "a zip with two members of one name"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_makes_a_reader_raise(data: st.DataObject) -> None:
    makers: dict[str, Callable[[], bytes]] = {
        "m.pt": lambda: torch_zip(CHECKPOINT),
        "m.onnx": onnx_file,
        "m.safetensors": lambda: safetensors_file(GOOD, bytes(56)),
    }
    name = data.draw(st.sampled_from(sorted(makers)))
    whole = bytearray(makers[name]())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    kept = bytes(whole[: data.draw(st.integers(0, len(whole)))])

    assert isinstance(read(name, kept), Model)


def test_models_are_found_among_outputs_without_reading_their_numbers(tmp_path: Path) -> None:
    files = {
        "out/a.safetensors": safetensors_file(GOOD, bytes(56)),
        "out/b.json": b"{}",
        "out/c.pt": torch_zip(CHECKPOINT),
        "out/large.bin": bytes(5 << 20),
        "out/z.onnx": onnx_file(),
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    with (tmp_path / "outputs.tar").open("wb") as stream:
        write_tree(stream, [(name, tmp_path / name) for name in files], "outputs")
    models = read_models(tmp_path / "outputs.tar", "outputs.tar")

    assert [(model.file, len(model.tensors)) for model in models] == [
        ("out/a.safetensors", 2),
        ("out/c.pt", 9),
        ("out/large.bin", 0),
        ("out/z.onnx", 1),
    ]


def test_a_tar_of_outputs_that_ends_early_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(3 << 20))
    with (tmp_path / "outputs.tar").open("wb") as stream:
        write_tree(stream, [("a.bin", tmp_path / "a.bin")], "outputs")
        stream.truncate(2 << 20)

    with pytest.raises(InputError, match=r"outputs\.tar: it ends early"):
        read_models(tmp_path / "outputs.tar", "outputs.tar")
