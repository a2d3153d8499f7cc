"""safetensors: a length, a header of JSON, the numbers (https://huggingface.co/docs/safetensors/index, "Format")."""

import math
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.errors import InputError
from reprobuild.tensors.content import Content, Numbers, Table, contiguous
from reprobuild.tensors.errors import MalformedError
from reprobuild.tensors.model import MAX_NAME, MAX_TENSORS, Tensor
from reprobuild.tensors.numbers import TYPES
from reprobuild.tensors.window import exactly

MAX_HEADER = 16 << 20
Placed = tuple[tuple[int, int], str, Any]
"""First byte and end of a tensor's numbers, its name, and what the header says of it."""
_TYPES = {
    "BOOL": "bool",
    "BF16": "bfloat16",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    **{
        f"{letter}{bits}": f"{name}{bits}" for letter, name in (("U", "uint"), ("I", "int")) for bits in (8, 16, 32, 64)
    },
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
}


def read_safetensors(stream: BinaryIO, size: int) -> tuple[list[Tensor], list[tuple[str, str]]]:
    """The tensors in the order of the file, and its metadata; the numbers are not read."""
    found, about, _ = _read(stream, size)
    return [Tensor(name, str(item["dtype"]), tuple(item["shape"])) for _, name, item in found], sorted(about.items())


def open_safetensors(path: Path) -> Content:
    """The tensors by name, their numbers mapped from the file."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        found, about, begin = _read(stream, size)
    body = np.asarray(np.memmap(path, np.uint8, "r"))[begin:]
    tensors = Table()
    for (first, end), name, item in found:
        kind, shape = TYPES[_TYPES[item["dtype"]]], tuple(item["shape"])
        tensors[name] = Numbers(kind, shape, contiguous(shape), 0, (end - first) // kind.size, body[first:end])
    return Content(tensors, {"metadata": about}, "order and spelling of the header")


def _read(stream: BinaryIO, size: int) -> tuple[list[Placed], dict[str, str], int]:
    """Tensors with their places, metadata, and where the numbers begin."""
    length = int(struct.unpack("<Q", exactly(stream, 8))[0])
    if length > min(MAX_HEADER, size - 8):
        raise MalformedError(f"a header of {length} bytes")
    try:
        header = parse_json(exactly(stream, length).rstrip(b" "), "its header", max_size=MAX_HEADER, max_depth=4)
    except InputError as error:
        raise MalformedError(str(error)) from error
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        raise MalformedError("its header is no table of tensors")
    about = header.pop("__metadata__", {})
    if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
        raise MalformedError("its metadata is no table of texts")
    found = sorted((_place(name, item), name, item) for name, item in header.items())
    if [begin for (begin, _), _, _ in found] != [0, *(end for (_, end), _, _ in found)][: len(found)]:
        raise MalformedError("its tensors overlap or leave gaps")
    if (found[-1][0][1] if found else 0) != size - 8 - length:
        raise MalformedError("its tensors and its size do not agree")
    return found, about, 8 + length


def _place(name: str, item: Any) -> tuple[int, int]:
    """Where a tensor's bytes are; MalformedError when they are not as many as its type and shape ask for."""
    fields = item if isinstance(item, dict) else {}
    dtype: Any
    shape: Any
    place: Any
    dtype, shape, place = (fields.get(key) for key in ("dtype", "shape", "data_offsets"))
    if fields.keys() != {"dtype", "shape", "data_offsets"} or str(dtype) not in _TYPES or len(name) > MAX_NAME:
        raise MalformedError(f"tensor {name[:100]!r} is not described as the format asks")
    whole = [*(shape if isinstance(shape, list) else [-1]), *(place if isinstance(place, list) else [-1])]
    if not all(type(number) is int and 0 <= number < 1 << 63 for number in whole) or len(place) != 2 or len(shape) > 64:
        raise MalformedError(f"tensor {name[:100]!r} has a wrong shape or place")
    begin, end = place
    if end - begin != math.prod(shape) * TYPES[_TYPES[str(dtype)]].size:
        raise MalformedError(f"tensor {name[:100]!r} has another size than its shape")
    return begin, end
