"""ONNX: the names, types and shapes of a graph's weights, and how often it uses each operator.

Protocol Buffers as https://protobuf.dev/programming-guides/encoding/ tells, fields as numbered in
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. The numbers of weights are skipped, not read.
"""

from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from reprobuild.tensors.errors import MalformedError, UncomparableError
from reprobuild.tensors.model import MAX_NAME, MAX_TENSORS, Tensor
from reprobuild.tensors.window import exactly

MAX_FIELDS = 4_000_000
_GRAPH, _PRODUCER, _NODE, _INITIALIZER, _OPERATOR = 7, 2, 1, 5, 4
_DIMS, _TYPE, _NAME = 1, 2, 8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
}  # fmt: skip


class _Reader:
    """The fields of nested messages, read in the order of the file and counted."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.fields = stream, 0

    def message(self, end: int) -> Iterator[tuple[int, int, int]]:
        """Each field's number, type, and value or end; the caller leaves the stream where it likes."""
        while (at := self.stream.tell()) < end:
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise UncomparableError(f"a graph of more than {MAX_FIELDS} fields")
            key = self.varint()
            number, kind = key >> 3, key & 7
            value = self.varint() if kind in (_VARINT, _BYTES) else {_FIXED64: 8, _FIXED32: 4}.get(kind, -1)
            if not number or value < 0:
                raise MalformedError(f"no ONNX: byte {at} begins no field")
            begin = self.stream.tell()
            following = begin if kind == _VARINT else begin + value
            if following > end:
                raise MalformedError("it ends early")
            yield number, kind, value if kind == _VARINT else following
            self.stream.seek(following)

    def varint(self) -> int:
        """A number of at most 64 bits."""
        value = 0
        for shift in range(0, 70, 7):
            byte = exactly(self.stream, 1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & ((1 << 64) - 1)
        raise MalformedError("a number of more than 64 bits")

    def text(self, end: int) -> str:
        """A short text."""
        size = end - self.stream.tell()
        if size > MAX_NAME:
            raise MalformedError(f"a name of {size} bytes")
        return exactly(self.stream, size).decode()


def read_onnx(stream: BinaryIO, size: int) -> tuple[list[Tensor], list[tuple[str, str]]]:
    """The weights in the order of the graph, and what the model tells of itself."""
    reader = _Reader(stream)
    tensors: list[Tensor] = []
    operators: Counter[str] = Counter()
    about: list[tuple[str, str]] = []
    graphs = 0
    for number, kind, value in reader.message(size):
        if (number, kind) == (_PRODUCER, _BYTES):
            about.append(("written by", reader.text(value)))
        elif (number, kind) == (_GRAPH, _BYTES):
            graphs += 1
            _read_graph(reader, value, tensors, operators)
    if graphs != 1:
        raise MalformedError("no ONNX: it has no graph")
    used = ", ".join(f"{count} {name}" for name, count in sorted(operators.items()))
    return tensors, [*about, ("operators", used or "none")]


def _read_graph(reader: _Reader, end: int, tensors: list[Tensor], operators: Counter[str]) -> None:
    for number, kind, value in reader.message(end):
        if (number, kind) == (_NODE, _BYTES):
            for inner, inner_kind, name_end in reader.message(value):
                if (inner, inner_kind) == (_OPERATOR, _BYTES):
                    operators[reader.text(name_end)] += 1
        elif (number, kind) == (_INITIALIZER, _BYTES):
            tensors.append(_read_tensor(reader, value))
        if len(tensors) > MAX_TENSORS:
            raise UncomparableError(f"more than {MAX_TENSORS} tensors")


def _read_tensor(reader: _Reader, end: int) -> Tensor:
    shape: list[int] = []
    name, dtype = "", 0
    for number, kind, value in reader.message(end):
        if number == _DIMS and kind == _BYTES:  # several numbers packed into one field
            while reader.stream.tell() < value:
                shape.append(reader.varint())
        elif number == _DIMS and kind == _VARINT:
            shape.append(value)
        elif (number, kind) == (_TYPE, _VARINT):
            dtype = value
        elif (number, kind) == (_NAME, _BYTES):
            name = reader.text(value)
        if len(shape) > 64:
            raise MalformedError("a tensor of more than 64 dimensions")
    if any(size >= 1 << 63 for size in shape):
        raise MalformedError("a tensor with a negative shape")
    return Tensor(name, _TYPES.get(dtype, f"type {dtype}"), tuple(shape))
