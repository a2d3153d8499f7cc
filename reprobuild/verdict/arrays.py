"""`.npy` and `.npz` compared element by element, a mebibyte at a time, without pickle.

Formats: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, and APPNOTE.TXT of PKWARE for zip.
"""

import zipfile
import zlib
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from reprobuild.ground.text import shown
from reprobuild.tensors.content import in_order
from reprobuild.tensors.errors import MalformedError, UncomparableError
from reprobuild.tensors.npy import Header, read_header
from reprobuild.tensors.numbers import NumberType
from reprobuild.tensors.ziplimits import check_directory
from reprobuild.verdict.document import Difference
from reprobuild.verdict.elements import CHUNK, compare_chunk, element
from reprobuild.verdict.tally import Tally

MAX_UNPACKED = 32 << 30
"""Bytes that a zip may unpack to; they are read once and never held."""


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, or none at the end."""
        ...


BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
"""What `zipfile` raises for archives from strangers."""


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
    for name in in_order(recorded.keys() | seen.keys()):
        label = name.removesuffix(".npy")
        if name not in recorded or name not in seen:
            tally.text(label, *("there" if name in side else "nothing there" for side in (recorded, seen)))
            continue
        with a.open(recorded[name]) as x, b.open(seen[name]) as y:
            if name.endswith(".npy"):
                before = tally.differing
                _compare_arrays(x, y, label, tally)
                tally.part(tally.differing > before)
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
    kind = NumberType(str(header.dtype), header.dtype)
    if size > CHUNK:
        raise UncomparableError(f"elements of {size} bytes")
    step = max(1, CHUNK // size)
    for begin in range(0, header.count, step):
        count = min(step, header.count - begin)
        x, y = _exactly(a, count * size), _exactly(b, count * size)
        if x == y:
            tally.same(count)
        else:
            compare_chunk(x, y, kind, lambda at: _where(header, begin + at, label), tally)  # noqa: B023 # called at once


def _where(header: Header, place: int, label: str) -> str:
    return element(label, place, header.shape, "F" if header.fortran else "C")


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    if len(data) != size:
        raise MalformedError("not a .npy file: it ends before its last element")
    return data


def compare_streams(a: Readable, b: Readable, label: str, tally: Tally) -> None:
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
