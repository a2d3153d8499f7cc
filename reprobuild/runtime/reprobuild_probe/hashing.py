"""One digest of whatever an operation returns: type, shape and bytes of each array in it.

Every NaN counts as the same one: which bits a NaN carries is left open by IEEE 754-2019, 6.2, and differs between the
kernels of one library. Zeros keep their sign, and so do infinities.
"""

import ctypes
import hashlib
import struct
from typing import Any

LENGTH = 16
"""Hexadecimal digits of a digest that are kept: 64 bits, of a few thousand operations."""


def digest(result: Any) -> str:
    """The first digits of SHA-256; TypeError for a result of a kind that nobody thought of."""
    hashed = hashlib.sha256()
    _add(hashed, result)
    return hashed.hexdigest()[:LENGTH]


def _add(hashed: Any, value: Any) -> None:
    if isinstance(value, (tuple, list)):
        hashed.update(b"(%d" % len(value))
        for item in value:
            _add(hashed, item)
    elif value is None or isinstance(value, (bool, int, str)):
        hashed.update(b"%s %s;" % (type(value).__name__.encode(), str(value).encode()))
    elif type(value) is float:
        _add_bytes(hashed, "float64", (), struct.pack("<d", value if value == value else float("nan")))
    elif hasattr(value, "data_ptr"):
        _add_bytes(hashed, str(value.dtype).rpartition(".")[2], tuple(value.shape), _tensor_bytes(value))
    elif hasattr(value, "tobytes"):
        _add_bytes(hashed, str(value.dtype), value.shape, _array_bytes(value))
    else:
        raise TypeError("a result of type %s" % type(value).__name__)


def _add_bytes(hashed: Any, dtype: str, shape: Any, data: bytes) -> None:
    hashed.update(b"%s[%s]%d:" % (dtype.encode(), ",".join(str(size) for size in shape).encode(), len(data)))
    hashed.update(data)


def _tensor_bytes(tensor: Any) -> bytes:
    """In the order of its indices, whatever its strides; NumPy is not needed."""
    import torch

    plain = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
    if plain.is_complex():
        plain = torch.view_as_real(plain)
    if plain.is_floating_point():
        missing = plain != plain
        if bool(missing.any()):
            plain = plain.masked_fill(missing, float("nan"))
    size = plain.numel() * plain.element_size()
    return ctypes.string_at(plain.data_ptr(), size) if size else b""


def _array_bytes(array: Any) -> bytes:
    """In the order of its indices, little-endian."""
    import numpy

    plain = numpy.ascontiguousarray(array).reshape(-1)
    if plain.dtype.byteorder == ">":
        plain = plain.astype(plain.dtype.newbyteorder("<"))
    if plain.dtype.kind == "c":
        plain = plain.view(plain.real.dtype)
    if plain.dtype.kind == "f":
        missing = plain != plain
        if missing.any():
            plain = numpy.where(missing, plain.dtype.type("nan"), plain)
    return bytes(plain.tobytes())
