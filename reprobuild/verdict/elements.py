"""Two rows of elements of one type: which differ, and by how much."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reprobuild.ground.text import shown
from reprobuild.tensors.numbers import NumberType
from reprobuild.verdict.document import Difference
from reprobuild.verdict.tally import Tally, distance

CHUNK = 1 << 20
"""Bytes that are compared at a time."""


def element(label: str, place: int, shape: tuple[int, ...], order: Literal["C", "F"] = "C") -> str:
    """The name of an element by its place in the order of memory."""
    index = np.unravel_index(place, shape, order=order) if shape else ()
    return f"{label}[{', '.join(str(i) for i in index)}]" if index else label or "the value"


def compare_chunk(x: bytes, y: bytes, kind: NumberType, where: Callable[[int], str], tally: Tally) -> None:
    """Elements are the same when their bytes are: NaN equals the same NaN, and 0.0 is not -0.0."""
    rows = [np.frombuffer(data, np.uint8).reshape(-1, kind.size) for data in (x, y)]
    places = np.flatnonzero((rows[0] != rows[1]).any(axis=1))
    recorded, seen = (np.frombuffer(data, kind.raw)[places] for data in (x, y))
    absolute, ulps = _widen(recorded, seen, kind, tally)
    tally.same(len(rows[0]) - len(places))
    tally.many(
        len(places),
        Difference(
            where=shown(where(int(places[0]))),
            recorded=shown(kind.spell(recorded[0])),
            seen=shown(kind.spell(seen[0])),
            absolute=absolute,
            ulps=ulps,
        ),
    )


def _widen(
    recorded: NDArray[Any], seen: NDArray[Any], kind: NumberType, tally: Tally
) -> tuple[float | None, int | None]:
    """Add the maxima of a chunk's differing numbers; the distances of the first pair come back."""
    one, other = kind.values(recorded), kind.values(seen)
    if one.dtype.kind not in "iufc":
        return None, None
    wide = np.complex128 if one.dtype.kind == "c" else np.float64
    with np.errstate(all="ignore"):
        absolute = np.abs(other.astype(wide) - one.astype(wide))
        relative = absolute / np.abs(one.astype(wide))
    ulps, counted = _ulps(recorded, seen, kind)
    tally.widen(_largest(absolute), _largest(relative), int(ulps[counted].max()) if counted.any() else None)
    first = distance(one[0].item(), other[0].item()) if one.dtype.itemsize <= 8 or one.dtype.kind == "c" else None
    return first, int(ulps[0]) if counted[0] else None


def _largest(values: NDArray[Any]) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else None


def _ulps(recorded: NDArray[Any], seen: NDArray[Any], kind: NumberType) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Units in the last place of the elements' own width, and where they count: not where one is NaN."""
    one, other = kind.ranks(recorded), kind.ranks(seen)
    if one is None or other is None:
        return np.zeros(len(recorded), np.uint64), np.zeros(len(recorded), bool)
    low, high = np.minimum(one, other), np.maximum(one, other)
    nan = np.isnan(kind.values(recorded)) | np.isnan(kind.values(seen))
    # Two doubles can lie further apart than an int64 counts; modulo 2**64 the unsigned difference is right.
    return high.view(np.uint64) - low.view(np.uint64), ~nan
