"""A container's output as it comes (Docker Engine API, "Attach to a container", stream format)."""

import os
import select
import time
from collections.abc import Callable, Iterator

HEADER = 8
SIZE = 1 << 16


class StreamError(Exception):
    """What came is not the stream that the protocol promises."""


def payloads(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What both streams say, in the order in which it came; no more is held than one chunk.

    Each frame is one byte for the stream (1 or 2), three zeros, the size in four bytes, and as many bytes of output.
    """
    header, left = b"", 0
    for chunk in chunks:
        rest = chunk
        while rest:
            if left:
                yield rest[:left]
                rest, left = rest[left:], max(0, left - len(rest))
                continue
            header, rest = header + rest[: HEADER - len(header)], rest[HEADER - len(header) :]
            if len(header) == HEADER:
                if header[0] not in (1, 2) or any(header[1:4]):
                    raise StreamError(f"a frame that begins with {header[:4].hex()}")
                header, left = b"", int.from_bytes(header[4:], "big")
    if header or left:
        raise StreamError("it ends in the middle of a frame")


def incoming(
    descriptor: int, deadline: float | None, patience: float, still_there: Callable[[], None]
) -> Iterator[bytes]:
    """What comes until the end; TimeoutError at the deadline.

    After `patience` seconds of silence `still_there` is asked, which raises when nobody is: a training may be silent
    for hours, a daemon that hangs looks the same.
    """
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if select.select([descriptor], [], [], patience if left is None else min(left, patience))[0]:
            if not (chunk := _read(descriptor)):
                return
            yield chunk
        elif left is None or left > patience:
            still_there()
        if left is not None and deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, SIZE)
    except OSError as error:
        raise StreamError(error.strerror or str(error)) from error
