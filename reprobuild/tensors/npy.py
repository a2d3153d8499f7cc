"""The header of a `.npy`, without pickle (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)."""

import io
import math
import tokenize
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from reprobuild.tensors.errors import MalformedError, UncomparableError

MAX_DIMENSIONS = 32
MAX_HEADER = 64 << 10
"""Bytes; version 1 can say no more, and NumPy reads no more than 10,000 characters."""
_READERS = {(1, 0): np.lib.format.read_array_header_1_0}
"""Version 3 differs from 2 in the encoding of field names alone, which 2 refuses where it matters."""
BROKEN_HEADER = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, SyntaxError,
                 tokenize.TokenError, RecursionError, MemoryError)  # fmt: skip
"""What NumPy raises for headers from strangers."""


@dataclass(frozen=True)
class Header:
    """What a `.npy` says before its elements."""

    dtype: "np.dtype[Any]"
    shape: tuple[int, ...]
    fortran: bool

    @property
    def count(self) -> int:
        """How many elements follow."""
        return math.prod(self.shape)


def read_header(stream: IO[bytes]) -> Header:
    """The header of a `.npy`; MalformedError when it is none, UncomparableError when its elements are objects."""
    try:
        version = np.lib.format.read_magic(stream)
        read = _READERS.get(version, np.lib.format.read_array_header_2_0)
        shape, fortran, dtype = read(_take_header(stream, 2 if version == (1, 0) else 4))
    except BROKEN_HEADER as error:
        raise MalformedError(f"not a .npy file: {str(error).splitlines()[0] if str(error) else 'broken'}") from error
    if dtype.hasobject:
        raise UncomparableError("its elements are pickled objects, which are never loaded")
    if dtype.subdtype is not None:  # in files of NumPy's these are dimensions of the shape
        raise MalformedError("not a .npy file: its elements are arrays themselves")
    if len(shape) > MAX_DIMENSIONS or any(size < 0 for size in shape):
        raise MalformedError(f"not a .npy file: a shape of {len(shape)} dimensions")
    return Header(dtype, shape, fortran)


def _take_header(stream: IO[bytes], width: int) -> io.BytesIO:
    """The header and its length of `width` bytes; NumPy looks at the length only when it holds the whole header."""
    length = stream.read(width)
    size = int.from_bytes(length, "little")
    if size > MAX_HEADER:
        raise ValueError(f"a header of {size} bytes, at most {MAX_HEADER} are read")
    return io.BytesIO(length + stream.read(size))
