"""The models among a run's outputs, by their names; no tensor's numbers are read, and nothing is unpickled."""

import io
from pathlib import Path
from typing import BinaryIO

from reprobuild.ground.tree import open_regular, read_tree
from reprobuild.guide.markdown import one_line
from reprobuild.tensors.arrays import read_npy, read_npz
from reprobuild.tensors.errors import BROKEN, UnreadableError
from reprobuild.tensors.model import Model
from reprobuild.tensors.onnx import read_onnx
from reprobuild.tensors.safetensors import read_safetensors
from reprobuild.tensors.torch import read_torch
from reprobuild.tensors.window import Window

MAX_MODELS = 50
_FORMATS = {
    "safetensors": "safetensors",
    "npz": "NumPy",
    "npy": "NumPy",
    "onnx": "ONNX",
    "pt": "PyTorch",
    "pth": "PyTorch",
    "ckpt": "PyTorch",
    "bin": "PyTorch",
}
_PICKLES = ("pkl", "pickle", "joblib")
_OTHERS = {"h5": "HDF5", "keras": "Keras", "pb": "TensorFlow", "gguf": "GGUF", "tflite": "TensorFlow Lite"}


def read_models(outputs: Path, subject: str) -> tuple[Model, ...]:
    """Every output that is a model by its name, from the tar of outputs; why one is not readable is told in it."""
    found: list[Model] = []
    with open_regular(outputs, subject) as stream:
        for entry, _ in read_tree(stream, subject):
            suffix = entry.path.rpartition(".")[2].lower()
            if suffix not in (*_FORMATS, *_OTHERS, *_PICKLES) or len(found) == MAX_MODELS:
                continue
            start = stream.tell()
            window = io.BufferedReader(Window(stream, start, entry.size), 1 << 16)
            found.append(read_model(window, entry.path, entry.size))
            stream.seek(start)
    return tuple(found)


def read_model(stream: BinaryIO, path: str, size: int) -> Model:
    """One model by the ending of its name."""
    suffix = path.rpartition(".")[2].lower()
    if suffix in _PICKLES:
        return Model(path, "pickle", problem="a pickle is a program, which reading would run")
    if suffix in _OTHERS:
        return Model(path, _OTHERS[suffix], problem=f"{_OTHERS[suffix]} is a format that is not read here")
    try:
        return _read(stream, suffix, path, size)
    except UnreadableError as error:
        return Model(path, _FORMATS[suffix], problem=one_line(str(error), 200))
    except BROKEN as error:
        return Model(path, _FORMATS[suffix], problem=one_line(f"it is broken: {error}", 200))


def _read(stream: BinaryIO, suffix: str, path: str, size: int) -> Model:
    kind = _FORMATS[suffix]
    if suffix == "safetensors":
        tensors, about = read_safetensors(stream, size)
        return Model(path, kind, tuple(tensors), tuple(about))
    if suffix == "onnx":
        tensors, about = read_onnx(stream, size)
        return Model(path, kind, tuple(tensors), tuple(about))
    if suffix == "npy":
        return Model(path, kind, (read_npy(stream, path),))
    if suffix == "npz":
        return Model(path, kind, tuple(read_npz(stream)))
    return Model(path, kind, tuple(read_torch(stream)))
