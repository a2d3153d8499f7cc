"""Scalars and arrays of NumPy as pickles spell them (`numpy._core.multiarray`), known without calling anything."""

from collections.abc import Callable
from typing import Any

import numpy as np

from reprobuild.tensors.content import Numbers, Reference, contiguous
from reprobuild.tensors.errors import MalformedError, ProgramError
from reprobuild.tensors.numbers import TYPES, NumberType


class Building:
    """Something whose content follows in a BUILD."""

    def build(self, state: Any) -> None:
        """Take the content in."""
        raise NotImplementedError


class _Type(Building):
    """A type of NumPy's: its code, such as `f8`, then its byte order."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.code, self.order = code, "="

    def build(self, state: Any) -> None:
        """The byte order is the second of the state; the places of subtypes and fields must be empty."""
        if not isinstance(state, tuple) or len(state) < 5 or any(state[2:5]) or state[1] not in ("<", ">", "|", "="):
            raise ProgramError("a pickle with a type of NumPy's of an unusual kind")
        self.order = state[1]

    def kind(self) -> NumberType:
        """The type that it names."""
        names = {found.raw.str[1:]: found for found in TYPES.values() if not found.decode and found.raw.kind in "biufc"}
        if self.code not in names:
            raise ProgramError("a pickle with a type of NumPy's of an unusual kind")
        known = names[self.code]
        return NumberType(known.name, known.raw.newbyteorder(">") if self.order == ">" else known.raw)


class Array(Building):
    """An array of NumPy's."""

    numbers: Numbers | None = None

    def build(self, state: Any) -> None:
        """Version, shape, type, order in memory and bytes."""
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[4], bytes):
            raise ProgramError("a pickle with an array of an unusual kind")
        _, shape, kind, fortran, data = state
        self.numbers = _numbers(kind, shape, data, bool(fortran))


def _numbers(kind: Any, shape: Any, data: bytes, fortran: bool = False) -> Numbers:
    if not isinstance(kind, _Type):
        raise ProgramError("a pickle with an array of an unusual kind")
    if not isinstance(shape, tuple) or not all(type(n) is int and 0 <= n < 1 << 62 for n in shape) or len(shape) > 64:
        raise MalformedError("a pickle with an array that has no shape")
    strides = contiguous(shape[::-1])[::-1] if fortran else contiguous(shape)
    known = kind.kind()
    held = Numbers(known, shape, strides, 0, len(data) // known.size, np.frombuffer(data, np.uint8))
    if held.count * known.size != len(data):
        raise MalformedError("a pickle with an array of another size than its shape")
    return held


def _scalar(kind: Any, data: Any) -> Numbers:
    if not isinstance(data, bytes):
        raise ProgramError("a pickle with a scalar of an unusual kind")
    return _numbers(kind, (), data)


def _reconstruct(kind: Any, *_: Any) -> Array:
    if not isinstance(kind, Reference) or kind != "numpy ndarray":
        raise ProgramError("a pickle with an array of an unusual kind")
    return Array()


NUMPY_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "numpy dtype": _Type,
    **{f"numpy.{core}.multiarray scalar": _scalar for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray _reconstruct": _reconstruct for core in ("core", "_core")},
}
