"""Streams of gzip compared as what they hold; when they were packed, and how well, does not matter (RFC 1952)."""

import gzip
from pathlib import Path

from reprobuild.tensors.errors import BROKEN, MalformedError, UncomparableError, UnreadableError
from reprobuild.verdict.arrays import MAX_UNPACKED, Readable, compare_streams
from reprobuild.verdict.tally import Tally

_TIME = slice(4, 8)


def compare_gzip(recorded: Path, seen: Path, tally: Tally) -> None:
    """Two files of gzip, unpacked byte by byte."""
    heads = []
    for path in (recorded, seen):
        with path.open("rb") as stream:
            heads.append(stream.read(10))
    try:
        with gzip.open(recorded) as a, gzip.open(seen) as b:
            compare_streams(Bounded(a), Bounded(b), "unpacked", tally)
    except UnreadableError:
        raise
    except (*BROKEN, OSError) as error:
        raise MalformedError(f"not gzip: {error}") from error
    if not tally.differing:
        times = heads[0][_TIME] != heads[1][_TIME]
        tally.ignored.add("the time in the header" if times else "names in the header, or how well it is packed")


class Bounded:
    """A stream that may unpack to so much and no more."""

    def __init__(self, stream: Readable, limit: int = MAX_UNPACKED) -> None:
        self._stream, self._left, self._limit = stream, limit, limit

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UncomparableError(f"a stream that unpacks to more than {self._limit >> 30} GiB")
        return data
