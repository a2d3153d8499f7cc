"""ONNX: the names, types and shapes of a graph's weights, and how often it uses each operator.

Fields as numbered in https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. The weights' numbers are skipped.
"""

from collections import Counter
from typing import BinaryIO

from reprobuild.tensors.errors import MalformedError, UncomparableError
from reprobuild.tensors.model import MAX_TENSORS, Tensor
from reprobuild.tensors.protobuf import BYTES, VARINT, Reader

_GRAPH, _PRODUCER, _NODE, _INITIALIZER, _OPERATOR = 7, 2, 1, 5, 4
_DIMS, _TYPE, _NAME = 1, 2, 8
TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
    17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4",
    23: "float4_e2m1", 24: "float8_e8m0fnu", 25: "uint2", 26: "int2",
}  # fmt: skip
"""Of TensorProto.DataType, the small floats by PyTorch's names."""


def read_onnx(stream: BinaryIO, size: int) -> tuple[list[Tensor], list[tuple[str, str]]]:
    """The weights in the order of the graph, and what the model tells of itself."""
    reader = Reader(stream)
    tensors: list[Tensor] = []
    operators: Counter[str] = Counter()
    about: list[tuple[str, str]] = []
    graphs = 0
    for number, kind, value in reader.message(size):
        if (number, kind) == (_PRODUCER, BYTES):
            about.append(("written by", reader.text(value)))
        elif (number, kind) == (_GRAPH, BYTES):
            graphs += 1
            _read_graph(reader, value, tensors, operators)
    if graphs != 1:
        raise MalformedError("no ONNX: it has no graph")
    used = ", ".join(f"{count} {name}" for name, count in sorted(operators.items()))
    return tensors, [*about, ("operators", used or "none")]


def _read_graph(reader: Reader, end: int, tensors: list[Tensor], operators: Counter[str]) -> None:
    for number, kind, value in reader.message(end):
        if (number, kind) == (_NODE, BYTES):
            for inner, inner_kind, name_end in reader.message(value):
                if (inner, inner_kind) == (_OPERATOR, BYTES):
                    operators[reader.text(name_end)] += 1
        elif (number, kind) == (_INITIALIZER, BYTES):
            tensors.append(_read_tensor(reader, value))
        if len(tensors) > MAX_TENSORS:
            raise UncomparableError(f"more than {MAX_TENSORS} tensors")


def _read_tensor(reader: Reader, end: int) -> Tensor:
    shape: list[int] = []
    name, dtype = "", 0
    for number, kind, value in reader.message(end):
        if number == _DIMS and kind == BYTES:  # several numbers packed into one field
            while reader.stream.tell() < value:
                shape.append(reader.varint())
        elif number == _DIMS and kind == VARINT:
            shape.append(value)
        elif (number, kind) == (_TYPE, VARINT):
            dtype = value
        elif (number, kind) == (_NAME, BYTES):
            name = reader.text(value)
        if len(shape) > 64:
            raise MalformedError("a tensor of more than 64 dimensions")
    if any(size >= 1 << 63 for size in shape):
        raise MalformedError("a tensor with a negative shape")
    return Tensor(name, TYPES.get(dtype, f"type {dtype}"), tuple(shape))
