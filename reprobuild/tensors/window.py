"""One member of an uncompressed tar as a file of its own, that can be sought in, without unpacking it."""

import io
from typing import BinaryIO


class Window(io.RawIOBase):
    """`size` bytes of `stream` from `start`."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._stream, self._start, self.size, self._at = stream, start, size, 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See `io.IOBase.seek`."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the beginning")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """See `io.IOBase.tell`."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as io.RawIOBase calls it
        """See `io.RawIOBase.readinto`."""
        self._stream.seek(self._start + self._at)
        data = self._stream.read(max(0, min(len(buffer), self.size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def exactly(stream: BinaryIO, size: int) -> bytes:
    """The next `size` bytes; ValueError when there are fewer."""
    data = stream.read(size)
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    if len(data) != size:
        raise ValueError("it ends early")
    return data
