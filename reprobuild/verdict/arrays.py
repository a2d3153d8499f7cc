"""`.npy` and `.npz` compared element by element, a mebibyte at a time, without pickle.

Formats: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, and APPNOTE.TXT of PKWARE for zip.
"""

import math
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from reprobuild.ground.text import shown
from reprobuild.verdict.document import Difference
from reprobuild.verdict.tally import MalformedError, Tally, UncomparableError, distance
from reprobuild.verdict.ziplimits import check_directory

CHUNK = 1 << 20
MAX_UNPACKED = 32 << 30
"""Bytes that a zip may unpack to; they are read once and never held."""
MAX_DIMENSIONS = 32
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
"""What `zipfile` raises for archives from strangers."""
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
        read = _READERS.get(np.lib.format.read_magic(stream), np.lib.format.read_array_header_2_0)
        shape, fortran, dtype = read(stream)
    except BROKEN_HEADER as error:
        raise MalformedError(f"not a .npy file: {str(error).splitlines()[0] if str(error) else 'broken'}") from error
    if dtype.hasobject:
        raise UncomparableError("its elements are pickled objects, which are never loaded")
    if len(shape) > MAX_DIMENSIONS or any(size < 0 for size in shape):
        raise MalformedError(f"not a .npy file: a shape of {len(shape)} dimensions")
    return Header(dtype, shape, fortran)


def compare_npy(recorded: Path, seen: Path, tally: Tally) -> None:
    """Two `.npy` files."""
    with recorded.open("rb") as a, seen.open("rb") as b:
        _compare_arrays(a, b, "", tally)
    if not tally.differing:
        tally.ignored.add("the spelling of the header")


def compare_npz(recorded: Path, seen: Path, tally: Tally) -> None:
    """Two zips of arrays; members that are no arrays are compared as bytes."""
    for path in (recorded, seen):
        check_directory(path)
    try:
        with zipfile.ZipFile(recorded) as a, zipfile.ZipFile(seen) as b:
            _compare_members(a, b, tally)
    except (MalformedError, UncomparableError):
        raise
    except BROKEN_ZIP as error:
        raise MalformedError(f"not a readable zip: {error}") from error
    if not tally.differing:
        tally.ignored.add("times, order and compression of the zip's members")


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    found = {info.filename: info for info in infos}
    if len(found) != len(infos):
        raise MalformedError("a zip with two members of one name")
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
        raise UncomparableError("a zip that is compressed with something other than deflate")
    if sum(info.file_size for info in infos) > MAX_UNPACKED:
        raise UncomparableError(f"a zip that unpacks to more than {MAX_UNPACKED >> 30} GiB")
    return found


def _compare_members(a: zipfile.ZipFile, b: zipfile.ZipFile, tally: Tally) -> None:
    recorded, seen = _members(a), _members(b)
    for name in sorted(recorded.keys() | seen.keys()):
        label = name.removesuffix(".npy")
        if name not in recorded or name not in seen:
            tally.text(label, *("there" if name in side else "nothing there" for side in (recorded, seen)))
            continue
        with a.open(recorded[name]) as x, b.open(seen[name]) as y:
            if name.endswith(".npy"):
                _compare_arrays(x, y, label, tally)
            else:
                compare_streams(x, y, label, tally)


def _compare_arrays(a: IO[bytes], b: IO[bytes], label: str, tally: Tally) -> None:
    recorded, seen = read_header(a), read_header(b)
    for what, x, y in (
        ("type", recorded.dtype.str, seen.dtype.str),
        ("fields", str(recorded.dtype.descr), str(seen.dtype.descr)),
        ("shape", str(recorded.shape), str(seen.shape)),
        ("order in memory", *("Fortran" if header.fortran else "C" for header in (recorded, seen))),
    ):
        if x != y:
            tally.text(f"{label}: {what}" if label else what, x, y)
            return
    _compare_elements(a, b, recorded, label, tally)
    if a.read(1) or b.read(1):
        raise MalformedError("not a .npy file: bytes after its last element")


def _compare_elements(a: IO[bytes], b: IO[bytes], header: Header, label: str, tally: Tally) -> None:
    size = header.dtype.itemsize
    if not size:
        return
    if size > CHUNK:
        raise UncomparableError(f"elements of {size} bytes")
    step = max(1, CHUNK // size)
    for begin in range(0, header.count, step):
        count = min(step, header.count - begin)
        x, y = _exactly(a, count * size), _exactly(b, count * size)
        if x == y:
            tally.same(count)
        else:
            _compare_chunk(x, y, header, begin, label, tally)


def _compare_chunk(x: bytes, y: bytes, header: Header, begin: int, label: str, tally: Tally) -> None:
    """Elements are the same when their bytes are: NaN equals the same NaN, and 0.0 is not -0.0."""
    rows = [np.frombuffer(data, np.uint8).reshape(-1, header.dtype.itemsize) for data in (x, y)]
    places = np.flatnonzero((rows[0] != rows[1]).any(axis=1))
    recorded, seen = (np.frombuffer(data, header.dtype)[places] for data in (x, y))
    index = np.unravel_index(begin + int(places[0]), header.shape, order="F" if header.fortran else "C")
    where = f"{label}[{', '.join(str(i) for i in index)}]" if index else label or "the value"
    absolute, ulps = _widen(recorded, seen, tally)
    tally.same(len(rows[0]) - len(places))
    tally.many(
        len(places),
        Difference(
            where=shown(where),
            recorded=shown(_spell(recorded[0])),
            seen=shown(_spell(seen[0])),
            absolute=absolute,
            ulps=ulps,
        ),
    )


def _spell(element: Any) -> str:
    value = element.item() if element.dtype.kind in "biufc" and element.dtype.itemsize <= 16 else element
    if element.dtype.kind == "f" and element.dtype.itemsize < 8:
        return str(element)  # the shortest text for its own width: 0.1, not 0.10000000149011612
    return repr(value) if isinstance(value, bool | int | float | complex) else str(value)


def _widen(recorded: NDArray[Any], seen: NDArray[Any], tally: Tally) -> tuple[float | None, int | None]:
    """Add the maxima of a chunk's differing numbers; the distances of the first pair come back."""
    kind, size = recorded.dtype.kind, recorded.dtype.itemsize
    if kind not in "iufc":
        return None, None
    wide = np.complex128 if kind == "c" else np.float64
    with np.errstate(all="ignore"):
        absolute = np.abs(seen.astype(wide) - recorded.astype(wide))
        relative = absolute / np.abs(recorded.astype(wide))
    ulps, counted = _ulps(recorded, seen) if kind == "f" and size <= 8 else (np.zeros(1, np.uint64), np.zeros(1, bool))
    tally.widen(_largest(absolute), _largest(relative), int(ulps[counted].max()) if counted.any() else None)
    first = distance(recorded[0].item(), seen[0].item()) if size <= 8 or kind == "c" else None
    return first, int(ulps[0]) if counted[0] else None


def _largest(values: NDArray[Any]) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else None


def _ulps(recorded: NDArray[Any], seen: NDArray[Any]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Units in the last place of the elements' own width, and where they count: not where one is NaN."""
    bits = recorded.dtype.itemsize * 8
    ranks = []
    for values in (recorded, seen):
        raw = values.astype(values.dtype.newbyteorder("=")).view(f"i{bits // 8}").astype(np.int64)
        ranks.append(np.where(raw >= 0, raw, -(raw & ((1 << (bits - 1)) - 1))))
    low, high = np.minimum(*ranks), np.maximum(*ranks)
    # Two doubles can lie further apart than an int64 counts; modulo 2**64 the unsigned difference is right.
    return high.view(np.uint64) - low.view(np.uint64), ~(np.isnan(recorded) | np.isnan(seen))


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    if len(data) != size:
        raise MalformedError("not a .npy file: it ends before its last element")
    return data


def compare_streams(a: IO[bytes], b: IO[bytes], label: str, tally: Tally) -> None:
    """Two streams byte by byte; the first difference is an offset."""
    offset = 0
    while True:
        x, y = a.read(CHUNK), b.read(CHUNK)
        if not x and not y:
            return
        common = min(len(x), len(y))
        places = np.flatnonzero(np.frombuffer(x[:common], np.uint8) != np.frombuffer(y[:common], np.uint8))
        tally.same(common - len(places))
        where = f"{label}: byte " if label else "byte "
        if len(places):
            at = int(places[0])
            first = Difference(where=shown(f"{where}{offset + at}"), recorded=f"0x{x[at]:02x}", seen=f"0x{y[at]:02x}")
            tally.many(len(places), first)
        if len(x) != len(y):
            ends = ("the end" if len(data) == common else "more bytes" for data in (x, y))
            tally.text(f"{where}{offset + common}", *ends)
            return
        offset += common
