"""Digests of results: type, shape and bytes, and every NaN the same."""

import struct

import numpy as np
import pytest
from reprobuild_probe.hashing import digest


def test_a_digest_tells_type_shape_and_bytes_apart() -> None:
    array = np.arange(6, dtype="float64")
    digests = [
        digest(array),
        digest(array.astype("float32")),
        digest(array.reshape(2, 3)),
        digest(array.reshape(3, 2)),
        digest([array]),
        digest([array, array]),
        digest(list(array[:2])),
        digest(np.nextafter(array, 9)),
        digest([1]),
        digest([1.0]),
        digest([True]),
        digest(["1"]),
        digest(None),
    ]

    assert len(set(digests)) == len(digests)
    assert all(len(item) == 16 for item in digests)


def test_strides_and_byte_order_do_not_matter() -> None:
    array = np.arange(12, dtype="float32").reshape(3, 4)

    assert digest(array.T) == digest(np.ascontiguousarray(array.T))
    assert digest(np.asfortranarray(array)) == digest(array)


def test_every_nan_is_one_and_zeros_keep_their_sign() -> None:
    [odd] = struct.unpack("<d", struct.pack("<Q", 0xFFF8000000000123))
    quiet, other = np.array([1.0, np.nan]), np.array([1.0, 0.0])
    other[1] = odd

    assert digest(quiet) == digest(other)
    assert digest(quiet.astype("complex128")) == digest(other.astype("complex128"))
    assert digest(float("nan")) == digest(odd)
    assert digest(np.array([0.0])) != digest(np.array([-0.0]))


def test_a_result_of_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(TypeError, match="a result of type object"):
        digest(object())
