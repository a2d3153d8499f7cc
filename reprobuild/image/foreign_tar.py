"""Tars from strangers, read as a stream by `tarfile`, which would hold as much of their headers as they like."""

import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal, Self

from reprobuild.ground.errors import InputError

MAX_HEADER = 1 << 20
"""Bytes of all headers of one member: its names, its attributes, and the map of a sparse file."""
MAX_EXTENDED, MAX_GLOBAL = 8, 64
"""Headers of headers, and attributes that hold for all members which follow."""
_BROKEN = (
    tarfile.InvalidHeaderError,  # type: ignore[attr-defined]
    tarfile.TruncatedHeaderError,  # type: ignore[attr-defined]
    IndexError,  # of a map that is cut off
    ValueError,
)


def open_tar(stream: BinaryIO, mode: Literal["r|", "r:"]) -> tarfile.TarFile:
    """The archive; tarfile.ReadError, in reading too, for headers that are broken or larger than any need."""
    return tarfile.open(fileobj=stream, mode=mode, tarinfo=_Member)


def members_of(archive: tarfile.TarFile, most: int, subject: str) -> Iterator[tarfile.TarInfo]:
    """Its members, each forgotten before the next; InputError for more than `most`."""
    known: list[tarfile.TarInfo] = archive.members  # type: ignore[attr-defined]  # where tarfile keeps every one
    for number, member in enumerate(archive):
        if number >= most:
            raise InputError(f"{subject}: more than {most} files")
        yield member
        known.clear()


class _Headers:
    """The stream while the headers of one member are read."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._left, self.begun = stream, MAX_HEADER, 0

    def read(self, size: int) -> bytes:
        self._left -= size
        if self._left < 0:
            raise tarfile.ReadError(f"a header of more than {MAX_HEADER} bytes")
        data: bytes = self._stream.read(size)
        return data

    def tell(self) -> int:
        place: int = self._stream.tell()
        return place


class _Member(tarfile.TarInfo):
    """A member whose headers are bounded, and that is never taken for the end when it is broken."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """The next member; tarfile itself would end quietly at a broken header and lose what follows."""
        stream: Any = archive.fileobj
        headers = stream if isinstance(stream, _Headers) else _Headers(stream)
        headers.begun += 1
        if headers.begun > MAX_EXTENDED:
            raise tarfile.ReadError(f"more than {MAX_EXTENDED} headers before a file")
        archive.fileobj = headers  # type: ignore[assignment]
        try:
            member = super().fromtarfile(archive)
        except _BROKEN as error:
            raise tarfile.ReadError(f"a broken header: {error}") from error
        finally:
            archive.fileobj = stream
        if member.size < 0 or len(archive.pax_headers) > MAX_GLOBAL:
            raise tarfile.ReadError("a header that no program writes")
        return member
