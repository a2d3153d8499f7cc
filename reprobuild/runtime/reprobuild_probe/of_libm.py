"""The C library's mathematics, called as C calls it: glibc has several variants of each function and chooses by CPU."""

import ctypes
import ctypes.util
from typing import Any, List, Tuple

from .battery import Row
from .inputs import floats

POINTS = 40
"""Arguments to each function and range."""
# name: range of the argument as an exponent of two, and whether it must be positive.
ONE = {
    "acos": (0, False), "acosh": (6, True), "asin": (0, False), "asinh": (4, False), "atan": (3, False),
    "atanh": (0, False), "cbrt": (6, False), "ceil": (6, False), "cos": (4, False), "cosh": (3, False),
    "erf": (1, False), "erfc": (2, False), "exp": (3, False), "exp2": (4, False), "expm1": (1, False),
    "fabs": (6, False), "floor": (6, False), "lgamma": (4, True), "log": (4, True), "log10": (4, True),
    "log1p": (0, True), "log2": (4, True), "logb": (6, True), "nearbyint": (6, False), "rint": (6, False),
    "round": (6, False), "sin": (4, False), "sinh": (3, False), "sqrt": (6, True), "tan": (4, False),
    "tanh": (1, False), "tgamma": (3, True), "trunc": (6, False), "j0": (4, False), "j1": (4, False),
    "y0": (4, True), "y1": (4, True),
}  # fmt: skip
TWO = {
    "atan2": (2, False), "copysign": (2, False), "fdim": (2, False), "fmod": (4, True), "hypot": (3, False),
    "nextafter": (2, False), "pow": (3, True), "remainder": (4, True),
}  # fmt: skip
SHIFTS = (-8, 0, 5)
"""Ranges: of small, usual and large arguments."""


class Library:
    """glibc's libm as it is mapped into this process."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("m") if not _usual() else "libm.so.6"
        self.functions = ctypes.CDLL(name or "libm.so.6")

    def call(self, name: str, dtype: str, arguments: List[Tuple[float, ...]]) -> List[float]:
        """The function's results, one for each tuple of arguments."""
        kind = ctypes.c_double if dtype == "f64" else ctypes.c_float
        function = self.functions[name if dtype == "f64" else name + "f"]
        function.restype, function.argtypes = kind, [kind] * len(arguments[0])
        return [function(*values) for values in arguments]


def _usual() -> bool:
    try:
        ctypes.CDLL("libm.so.6")
    except OSError:
        return False
    return True


def _one(name: str) -> Any:
    exponent, positive = ONE[name]

    def run(library: Library, dtype: str, shape: Tuple[int, ...]) -> List[float]:
        bits = 32 if dtype == "f64" else 24
        return library.call(
            name, dtype, [(value,) for value in floats(POINTS, 1, exponent + SHIFTS[shape[0]], positive, bits)]
        )

    return run


def _two(name: str) -> Any:
    exponent, positive = TWO[name]

    def run(library: Library, dtype: str, shape: Tuple[int, ...]) -> List[float]:
        bits = 32 if dtype == "f64" else 24
        first, second = (floats(POINTS, salt, exponent + SHIFTS[shape[0]], positive, bits) for salt in (1, 2))
        return library.call(name, dtype, list(zip(first, second)))

    return run


def _fma(library: Library, dtype: str, shape: Tuple[int, ...]) -> List[float]:
    bits = 32 if dtype == "f64" else 24
    columns = [floats(POINTS, salt, SHIFTS[shape[0]], False, bits) for salt in (1, 2, 3)]
    return library.call("fma", dtype, list(zip(*columns)))


RANGES = [(place,) for place in range(len(SHIFTS))]
ROWS = [
    *(Row(name, _one(name), ("f32", "f64"), RANGES) for name in ONE),
    *(Row(name, _two(name), ("f32", "f64"), RANGES) for name in TWO),
    Row("fma", _fma, ("f32", "f64"), RANGES),
]
