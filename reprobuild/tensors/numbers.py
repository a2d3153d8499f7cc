"""The types of numbers that models hold, those too that NumPy lacks, and how far two of one type lie apart.

The small types are those of https://arxiv.org/abs/2209.05433 (E4M3, E5M2), of
https://onnx.ai/onnx/technical/float8.html (FNUZ) and of the OCP Microscaling Formats 1.0 (E8M0).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NumberType:
    """One type: `raw` is its element as NumPy reads it, `decode` its value where NumPy does not know the type."""

    name: str
    raw: "np.dtype[Any]"
    decode: Callable[[NDArray[Any]], NDArray[np.float64]] | None = None
    signed: bool = True

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return self.raw.itemsize

    def values(self, elements: NDArray[Any]) -> NDArray[Any]:
        """The elements as numbers of a type that NumPy computes with, exactly."""
        return self.decode(elements) if self.decode else elements

    def ranks(self, elements: NDArray[Any]) -> NDArray[np.int64] | None:
        """Integers that count the type's numbers in order (IEEE 754-2019, 5.10); None for other than floats."""
        if not self.decode and (self.raw.kind != "f" or self.size > 8):
            return None
        bits = self.size * 8
        raw = elements.astype(self.raw.newbyteorder("=")).view(f"u{self.size}").astype(np.int64)
        if not self.signed:
            return raw
        magnitude = raw & ((1 << (bits - 1)) - 1)
        return np.where(raw == magnitude, magnitude, -magnitude)

    def spell(self, element: Any) -> str:
        """An element of `raw` as people write it: the shortest text for its own width where NumPy knows that."""
        if self.decode:
            value = float(self.decode(np.asarray([element], self.raw))[0])
            return str(np.float32(value)) if self.name == "bfloat16" else repr(value)
        if element.dtype.kind == "f" and element.dtype.itemsize < 8:
            return str(element)  # 0.1, not 0.10000000149011612
        value = element.item() if element.dtype.kind in "biufc" and element.dtype.itemsize <= 16 else element
        return repr(value) if isinstance(value, bool | int | float | complex) else str(value)


def _bfloat16(elements: NDArray[Any]) -> NDArray[np.float64]:
    return (elements.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def _by_table(exponent: int, bias: int, nan: frozenset[int], infinity: int = -1) -> Callable[..., NDArray[np.float64]]:
    """Numbers of eight bits: a sign, `exponent` bits and a mantissa; `nan` and `infinity` are magnitudes or bytes."""

    @cache
    def table() -> NDArray[np.float64]:
        return np.array([_small(byte, exponent, bias, nan, infinity) for byte in range(256)])

    return lambda elements: table()[elements]


def _small(byte: int, exponent: int, bias: int, nan: frozenset[int], infinity: int) -> float:
    magnitude, sign = byte & 0x7F, -1.0 if byte & 0x80 else 1.0
    if byte in nan or magnitude in nan:
        return float("nan")
    if magnitude == infinity:
        return sign * float("inf")
    width = 7 - exponent
    power, fraction = magnitude >> width, (magnitude & ((1 << width) - 1)) / (1 << width)
    return sign * (2.0 ** (power - bias) * (1 + fraction) if power else 2.0 ** (1 - bias) * fraction)


def _powers(elements: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(elements == 255, np.nan, np.exp2(elements.astype(np.float64) - 127))


def _known(name: str, code: str) -> NumberType:
    return NumberType(name, np.dtype(code))


_BYTE = np.dtype("u1")
TYPES = {
    found.name: found
    for found in (
        *(_known(f"float{bits}", f"<f{bits // 8}") for bits in (16, 32, 64)),
        *(_known(f"int{bits}", f"<i{bits // 8}") for bits in (8, 16, 32, 64)),
        *(_known(f"uint{bits}", f"<u{bits // 8}") for bits in (8, 16, 32, 64)),
        *(_known(f"complex{bits}", f"<c{bits // 8}") for bits in (64, 128)),
        NumberType("complex32", np.dtype("V4")),
        NumberType("bool", np.dtype("?")),
        NumberType("bfloat16", np.dtype("<u2"), _bfloat16),
        NumberType("float8_e4m3fn", _BYTE, _by_table(4, 7, frozenset({0x7F}))),
        NumberType("float8_e5m2", _BYTE, _by_table(5, 15, frozenset({0x7D, 0x7E, 0x7F}), 0x7C)),
        NumberType("float8_e4m3fnuz", _BYTE, _by_table(4, 8, frozenset({0x80}))),
        NumberType("float8_e5m2fnuz", _BYTE, _by_table(5, 16, frozenset({0x80}))),
        NumberType("float8_e8m0fnu", _BYTE, _powers, signed=False),
        NumberType("float4_e2m1fn_x2", _BYTE),
        NumberType("bytes", _BYTE),
    )
}
"""By PyTorch's names; a `float4_e2m1fn_x2` is two numbers in a byte, which are not looked into."""
