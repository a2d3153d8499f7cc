"""Inputs that are the same everywhere: integers, made by integer arithmetic and scaled by powers of two.

Nothing here rounds: an integer of `BITS[dtype]` bits has its own value in that type, and so has its product with a
power of two (IEEE 754-2019, 4.3 and 5.7.3). No generator and no transcendental function is asked, since those are what
is probed. A number depends on its place in the buffer and on `salt`, by which two inputs of an operation differ.
"""

from typing import Any, List, Optional, Sequence, Tuple

NAMES = {
    "f64": "float64",
    "f32": "float32",
    "f16": "float16",
    "bf16": "bfloat16",
    "c64": "complex64",
    "c128": "complex128",
    "i64": "int64",
    "i32": "int32",
    "i16": "int16",
    "i8": "int8",
    "u8": "uint8",
    "bool": "bool",
}
"""The short names of types, as operations have them, and the libraries' own."""
BITS = {"float64": 32, "float32": 24, "float16": 11, "bfloat16": 8}
PARTS = {"complex64": "float32", "complex128": "float64"}
MASK = 0xFFFFFFFF
FACTOR = 0x045D9F3B
"""Odd, and so small that its product with 32 bits fits into 63."""
ALIGNMENT = 64
"""Bytes: a cache line, and PyTorch's own alignment."""
APART = 1000003
"""How far two salts lie apart in the sequence."""


def word(number: int) -> int:
    """32 mixed bits of a number."""
    for _ in range(2):
        number = ((number ^ (number >> 16)) * FACTOR) & MASK
    return number ^ (number >> 16)


def floats(count: int, salt: int = 0, exponent: int = 0, positive: bool = False, bits: int = 32) -> List[float]:
    """Python's numbers in [-2^exponent, 2^exponent), or (0, 2^exponent] when they must be positive."""
    return [_value(word(place + 1 + salt * APART) >> (32 - bits), bits, exponent, positive) for place in range(count)]


def _value(number: int, bits: int, exponent: int, positive: bool) -> float:
    start, scale = _range(bits, exponent, positive)
    return (number + start) * scale


def _range(bits: int, exponent: int, positive: bool) -> Tuple[int, float]:
    return (1, 2.0 ** (exponent - bits)) if positive else (-(1 << (bits - 1)), 2.0 ** (exponent - bits + 1))


class Inputs:
    """Arrays of one library: NumPy's module, or PyTorch's and one of its devices."""

    def __init__(self, library: Any, device: str = "cpu") -> None:
        self.library, self.device = library, device
        self.is_torch = hasattr(library, "as_strided")

    def make(
        self,
        dtype: str,
        shape: Sequence[int],
        strides: Optional[Sequence[int]] = None,
        salt: int = 0,
        exponent: int = 0,
        positive: bool = False,
        low: int = 0,
        high: int = 100,
    ) -> Any:
        """An array of that type (`f32` or `float32`), shape and strides, which count elements as PyTorch's do.

        Real and complex numbers lie in [-2^exponent, 2^exponent), or (0, 2^exponent] when they must be `positive`;
        integers in [low, high), which are cut to what the type holds.
        """
        name = NAMES.get(dtype, dtype)
        steps = _packed(shape) if strides is None else strides
        spans = [(size - 1) * step for size, step in zip(shape, steps)]
        count = 0 if 0 in shape else 1 + sum(abs(span) for span in spans)
        flat = self._aligned(self._flat(name, count, salt, (exponent, positive), (low, high)))
        if strides is not None:
            flat = self._strided(flat, shape, steps, -sum(span for span in spans if span < 0))
        else:
            flat = flat.reshape(tuple(shape))
        return flat.to(self.device) if self.is_torch else flat

    def _aligned(self, flat: Any) -> Any:
        """NumPy's arrays begin where malloc(3) lets them, and some sums depend on that; PyTorch's are aligned."""
        if self.is_torch or not flat.nbytes:
            return flat
        room = self.library.empty(flat.nbytes + ALIGNMENT, "uint8")
        first = -room.ctypes.data % ALIGNMENT
        target = room[first : first + flat.nbytes].view(flat.dtype)
        target[...] = flat
        return target

    def _flat(self, name: str, count: int, salt: int, real: Tuple[int, bool], integer: Tuple[int, int]) -> Any:
        if name in PARTS:
            parts = self._flat(PARTS[name], 2 * count, salt, real, integer)
            return self.library.view_as_complex(parts.reshape(count, 2)) if self.is_torch else parts.view(name)
        words = self._words(count, salt)
        if name in BITS:
            start, scale = _range(BITS[name], *real)
            return self._cast((self._cast((words >> (32 - BITS[name])) + start, "float64")) * scale, name)
        if name == "bool":
            return (words & 1) == 1
        low, high = _held(name, *integer)
        return self._cast(low + words % max(1, high - low), name)

    def _words(self, count: int, salt: int) -> Any:
        first = 1 + salt * APART
        words = self.library.arange(first, first + count, dtype=self.library.int64)
        for _ in range(2):
            words = ((words ^ (words >> 16)) * FACTOR) & MASK
        return words ^ (words >> 16)

    def _cast(self, array: Any, name: str) -> Any:
        return array.to(getattr(self.library, name)) if self.is_torch else array.astype(name)

    def _strided(self, flat: Any, shape: Sequence[int], steps: Sequence[int], first: int) -> Any:
        if self.is_torch:  # PyTorch has no negative strides
            return flat.as_strided(tuple(shape), tuple(steps))
        sizes = tuple(step * flat.itemsize for step in steps)
        return self.library.lib.stride_tricks.as_strided(flat[first:], tuple(shape), sizes)


def _packed(shape: Sequence[int]) -> List[int]:
    """The strides of an array without gaps, its last index the fastest."""
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= max(1, size)
    return steps[::-1]


def _held(name: str, low: int, high: int) -> Tuple[int, int]:
    """The part of a range that an integer type holds."""
    bits = int(name.lstrip("uint"))
    least, most = (0, 1 << bits) if name.startswith("u") else (-(1 << (bits - 1)), 1 << (bits - 1))
    return max(low, least), min(high, most)
