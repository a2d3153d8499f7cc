"""Protocol Buffers field by field (https://protobuf.dev/programming-guides/encoding/), bounded and never held whole."""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from reprobuild.tensors.errors import MalformedError, UncomparableError
from reprobuild.tensors.model import MAX_NAME
from reprobuild.tensors.window import exactly

MAX_FIELDS = 4_000_000
MAX_HELD = 1 << 16
"""Bytes of a text that are held; longer ones are known by their digest."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Reader:
    """The fields of nested messages, read in the order of the file and counted."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.fields = stream, 0

    def message(self, end: int) -> Iterator[tuple[int, int, int]]:
        """Each field's number, type, and value or end; the caller leaves the stream where it likes."""
        while (at := self.stream.tell()) < end:
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise UncomparableError(f"a graph of more than {MAX_FIELDS} fields")
            key = self.varint()
            number, kind = key >> 3, key & 7
            value = self.varint() if kind in (VARINT, BYTES) else {FIXED64: 8, FIXED32: 4}.get(kind, -1)
            if not number or value < 0:
                raise MalformedError(f"no message: byte {at} begins no field")
            begin = self.stream.tell()
            following = begin if kind == VARINT else begin + value
            if following > end:
                raise MalformedError("it ends early")
            yield number, kind, value if kind == VARINT else following
            self.stream.seek(following)

    def varint(self) -> int:
        """A number of at most 64 bits."""
        value = 0
        for shift in range(0, 70, 7):
            byte = exactly(self.stream, 1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & ((1 << 64) - 1)
        raise MalformedError("a number of more than 64 bits")

    def text(self, end: int) -> str:
        """A short text."""
        size = end - self.stream.tell()
        if size > MAX_NAME:
            raise MalformedError(f"a name of {size} bytes")
        return exactly(self.stream, size).decode()

    def held(self, end: int) -> bytes:
        """A text, or of a long one a line with its digest."""
        size = end - self.stream.tell()
        if size <= MAX_HELD:
            return exactly(self.stream, size)
        digest = hashlib.sha256()
        for begin in range(0, size, MAX_HELD):
            digest.update(exactly(self.stream, min(MAX_HELD, size - begin)))
        return f"{size} bytes, sha256:{digest.hexdigest()}".encode()
