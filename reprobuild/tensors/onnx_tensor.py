"""One TensorProto of ONNX: its numbers as raw bytes or in the field of their type, and never in another file."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprobuild.tensors.content import Bytes
from reprobuild.tensors.errors import MalformedError, UncomparableError
from reprobuild.tensors.numbers import NumberType
from reprobuild.tensors.protobuf import BYTES, FIXED32, FIXED64, VARINT, Reader

MAX_VARINTS = 64 << 20
"""Bytes of numbers of varying length, which are decoded in memory."""
_DIMS, _TYPE, _SEGMENT, _TEXTS, _NAME, _RAW, _SAID, _EXTERNAL, _WHERE, _MORE = 1, 2, 3, 6, 8, 9, 12, 13, 14, 16
_FIELDS = {4: "float_data", 5: "int32_data", 7: "int64_data", _RAW: "raw_data", 10: "double_data", 11: "uint64_data"}
_FIXED = (4, _RAW, 10)
"""Fields whose bytes are the numbers."""


class RawTensor:
    """What a TensorProto says; its numbers are joined when they are asked for."""

    def __init__(self, reader: Reader, whole: Bytes, end: int) -> None:
        self.reader, self.whole = reader, whole
        self.name, self.kind = "", 0
        self.shape: list[int] = []
        self.texts: list[bytes] = []
        self.aside: list[bytes] = []
        self.parts: dict[int, list[Bytes]] = {}
        for number, wire, value in reader.message(end):
            self._take(number, wire, value)

    @property
    def field(self) -> str:
        """The name of the field that holds the numbers."""
        return ", ".join(_FIELDS[number] for number in sorted(self.parts))

    def _take(self, number: int, wire: int, value: int) -> None:
        reader = self.reader
        if number == _DIMS:
            self._dimensions(wire, value)
        elif (number, wire) == (_TYPE, VARINT):
            self.kind = value
        elif (number, wire) == (_NAME, BYTES):
            self.name = reader.text(value)
        elif (number, wire) == (_TEXTS, BYTES):
            self.texts.append(reader.held(value))
        elif number in (_SAID, _MORE) and wire == BYTES:
            self.aside.append(reader.held(value))
        elif number in _FIELDS:
            self._part(number, wire, value)
        elif number == _EXTERNAL or (number == _WHERE and value):
            raise UncomparableError("weights that are in another file (ONNX's external data), which is not followed")
        elif number != _WHERE:
            raise UncomparableError(f"a tensor with field {number}, which is not known")

    def _dimensions(self, wire: int, value: int) -> None:
        self.shape.append(value) if wire == VARINT else self._packed(value)
        if len(self.shape) > 32 or any(size >= 1 << 62 for size in self.shape):
            raise MalformedError("a tensor with a negative or unusual shape")

    def _packed(self, end: int) -> None:
        while self.reader.stream.tell() < end and len(self.shape) <= 32:
            self.shape.append(self.reader.varint())

    def _part(self, number: int, wire: int, value: int) -> None:
        if wire == VARINT:
            part: Bytes = np.array([value], np.uint64).view(np.uint8)
        elif wire in (FIXED32, FIXED64) or number in _FIXED:
            part = self.whole[self.reader.stream.tell() : value]
        else:
            part = _varints(self.whole[self.reader.stream.tell() : value]).view(np.uint8)
        self.parts.setdefault(number, []).append(part)

    def data(self, kind: NumberType) -> Bytes:
        """The numbers as they lie in memory."""
        if len(self.parts) > 1:
            raise MalformedError(f"tensor {self.name[:100]!r} has its numbers twice")
        for number, parts in self.parts.items():
            joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
            return joined if number in _FIXED else _narrow(joined, kind)
        return np.empty(0, np.uint8)


def _narrow(wide: Bytes, kind: NumberType) -> Bytes:
    """The low bytes of numbers of eight."""
    cut: NDArray[Any] = wide.view(np.uint64).astype(f"<u{kind.size}")
    return cut.view(np.uint8)


def _varints(data: Bytes) -> NDArray[np.uint64]:
    """Numbers of seven bits a byte, the lowest first."""
    if len(data) > MAX_VARINTS:
        raise UncomparableError(f"more than {MAX_VARINTS >> 20} MiB of numbers that are not raw")
    ends = np.flatnonzero(data < 0x80)
    if len(data) and (not len(ends) or ends[-1] != len(data) - 1):
        raise MalformedError("a number that ends early")
    begins = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64) if len(ends) else ends
    lengths = ends - begins + 1
    if len(lengths) and lengths.max() > 10:
        raise MalformedError("a number of more than 64 bits")
    found = np.zeros(len(ends), np.uint64)
    for place in range(int(lengths.max()) if len(lengths) else 0):
        there = lengths > place
        found[there] |= (data[begins[there] + place].astype(np.uint64) & np.uint64(0x7F)) << np.uint64(7 * place)
    return found
