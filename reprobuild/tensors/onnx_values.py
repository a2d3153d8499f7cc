"""ONNX as values: the weights by name, and the graph with everything that decides what it computes.

Fields as numbered in https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. What nobody computes with (who wrote the
model, documentation, metadata) is put aside.
"""

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from reprobuild.tensors.content import Content, Numbers, Table, contiguous
from reprobuild.tensors.errors import MalformedError, UncomparableError
from reprobuild.tensors.numbers import TYPES
from reprobuild.tensors.onnx import TYPES as ONNX_TYPES
from reprobuild.tensors.onnx_schema import NAMED, SCHEMA
from reprobuild.tensors.onnx_tensor import RawTensor
from reprobuild.tensors.protobuf import BYTES, FIXED32, FIXED64, VARINT, Reader

MAX_DEPTH = 32
_BITS = {"uint4": 4, "int4": 4, "float4_e2m1": 4, "uint2": 2, "int2": 2}
"""Of types that share bytes."""


def open_onnx(path: Path) -> Content:
    """The weights and the graph; numbers in other files are refused."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        parser = _Parser(Reader(stream), np.asarray(np.memmap(path, np.uint8, "r")) if size else np.empty(0, np.uint8))
        model = parser.message("Model", size, 0)
    graph = model.get("graph")
    if not isinstance(graph, Table):
        raise MalformedError("no ONNX: it has no graph")
    weights = graph.pop("initializer", Table())
    aside = {name: sorted(items) for name, items in parser.aside.items()}
    return Content(Table({"": weights, **model}), aside, "order and spelling of the fields")


class _Parser:
    """Messages by their schema."""

    def __init__(self, reader: Reader, whole: Any) -> None:
        self.reader, self.whole = reader, whole
        self.aside: dict[str, list[bytes]] = {}

    def message(self, kind: str, end: int, depth: int) -> Table:
        """One message up to `end`: its fields by name, those that may be repeated as lists."""
        if depth > MAX_DEPTH:
            raise UncomparableError(f"messages nested deeper than {MAX_DEPTH}")
        found = Table()
        for number, wire, value in self.reader.message(end):
            name, what = SCHEMA[kind].get(number, (f"field {number}", "*bytes"))
            if what.startswith("aside "):
                self.aside.setdefault(what.removeprefix("aside "), []).append(self._plain("bytes", wire, value))
                continue
            items = self._items(what.removeprefix("*"), wire, value, depth)
            if what.startswith("*"):
                found.setdefault(name, []).extend(items)
            else:
                found[name] = items[-1] if items else None
        for name in NAMED.get(kind, ()):
            if name in found:
                found[name] = _by_name(found[name])
        return found

    def _items(self, what: str, wire: int, value: int, depth: int) -> list[Any]:
        """What one field holds: several numbers where they are packed."""
        if what == "Tensor" and wire == BYTES:
            return [self.tensor(value)]
        if what in SCHEMA and wire == BYTES:
            return [self.message(what, value, depth + 1)]
        if what == "int" and wire == BYTES:
            found = []
            while self.reader.stream.tell() < value:
                found.append(_signed(self.reader.varint()))
            return found
        if what == "float" and wire == BYTES:
            floats: list[float] = self.whole[self.reader.stream.tell() : value].view("<f4").tolist()
            return floats
        return [self._plain(what, wire, value)]

    def _plain(self, what: str, wire: int, value: int) -> Any:
        if wire == VARINT:
            return _signed(value) if what != "bytes" else str(value).encode()
        data = self.reader.held(value)
        if what == "float" and wire == FIXED32:
            return struct.unpack("<f", data)[0]
        if what == "text":
            return data.decode()
        return data if wire in (BYTES, FIXED32, FIXED64) else None

    def tensor(self, end: int) -> tuple[str, Any]:
        """A tensor's name and numbers."""
        raw = RawTensor(self.reader, self.whole, end)
        self.aside.setdefault("documentation", []).extend(raw.aside)
        kind = ONNX_TYPES.get(raw.kind, f"type {raw.kind}")
        if kind == "string":
            return raw.name, Table({"shape": tuple(raw.shape), "strings": raw.texts})
        marks: tuple[str, ...] = ()
        shape = tuple(raw.shape)
        if kind in _BITS:
            marks = (f"{kind} {list(shape)}",)
            shape, kind = ((math.prod(shape) * _BITS[kind] + 7) // 8,), "bytes"
        if kind not in TYPES:
            raise UncomparableError(f"numbers of an unknown type, {kind}")
        known = TYPES[kind]
        data = raw.data(known)
        held = Numbers(
            known,
            shape,
            contiguous(shape),
            0,
            len(data) // known.size,
            data,
            marks=marks,
            notes={"fields that hold numbers": raw.field},
        )
        if held.count * known.size != len(data):
            raise MalformedError(f"tensor {raw.name[:100]!r} has another size than its shape")
        return raw.name, held


def _signed(number: int) -> int:
    """An int64, as nearly every number of ONNX is one."""
    return number - (1 << 64) if number >> 63 else number


def _by_name(items: list[Any]) -> Table:
    """Messages or tensors by their names; MalformedError where two share one."""
    found = Table()
    for item in items:
        name, value = item if isinstance(item, tuple) else (item.pop("name", ""), item)
        if name in found:
            raise MalformedError(f"two things of the name {str(name)[:100]!r}")
        found[name] = value
    return found
