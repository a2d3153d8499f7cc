"""A log that cannot fill a disk: the beginning and the end of what was said."""

from pathlib import Path
from typing import Self

HEAD = TAIL = 8 << 20
"""Bytes kept of each."""


class BoundedLog:
    """Takes everything; keeps the first HEAD and the last TAIL bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = path.open("wb")
        self._tail = bytearray()
        self.size = 0

    @property
    def truncated(self) -> bool:
        """True when something in the middle was left out."""
        return self.size > HEAD + TAIL

    def write(self, chunk: bytes) -> None:
        """The next bytes of output."""
        room = max(0, HEAD - self.size)
        self.size += len(chunk)
        self._stream.write(chunk[:room])
        self._tail += chunk[room:]
        if len(self._tail) > 2 * TAIL:
            del self._tail[:-TAIL]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write the end; the file at `path` is finished."""
        with self._stream:
            if self.truncated:
                self._stream.write(b"\n[... %d bytes left out ...]\n" % (self.size - HEAD - TAIL))
            self._stream.write(self._tail[-TAIL:])
