"""safetensors: a length, a header of JSON, the numbers (https://huggingface.co/docs/safetensors/index, "Format")."""

import math
import struct
from typing import Any, BinaryIO

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.errors import InputError
from reprobuild.tensors.errors import MalformedError
from reprobuild.tensors.model import MAX_NAME, MAX_TENSORS, Tensor
from reprobuild.tensors.window import exactly

MAX_HEADER = 16 << 20
_BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}


def read_safetensors(stream: BinaryIO, size: int) -> tuple[list[Tensor], list[tuple[str, str]]]:
    """The tensors in the order of the file, and its metadata; the numbers are not read."""
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
    return [_tensor(name, item) for _, name, item in found], sorted(about.items())


def _place(name: str, item: Any) -> tuple[int, int]:
    """Where a tensor's bytes are; MalformedError when they are not as many as its type and shape ask for."""
    fields = item if isinstance(item, dict) else {}
    dtype: Any
    shape: Any
    place: Any
    dtype, shape, place = (fields.get(key) for key in ("dtype", "shape", "data_offsets"))
    if fields.keys() != {"dtype", "shape", "data_offsets"} or str(dtype) not in _BITS or len(name) > MAX_NAME:
        raise MalformedError(f"tensor {name[:100]!r} is not described as the format asks")
    whole = [*(shape if isinstance(shape, list) else [-1]), *(place if isinstance(place, list) else [-1])]
    if not all(type(number) is int and 0 <= number < 1 << 63 for number in whole) or len(place) != 2 or len(shape) > 64:
        raise MalformedError(f"tensor {name[:100]!r} has a wrong shape or place")
    begin, end = place
    if (end - begin) * 8 != math.prod(shape) * _BITS[str(dtype)]:
        raise MalformedError(f"tensor {name[:100]!r} has another size than its shape")
    return begin, end


def _tensor(name: str, item: Any) -> Tensor:
    return Tensor(name, str(item["dtype"]), tuple(item["shape"]))
