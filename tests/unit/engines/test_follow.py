from collections.abc import Iterator

import pytest

from reprobuild.engines.follow import StreamError, payloads


def frame(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def cut(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("size", range(1, 40))
def test_frames_are_read_wherever_they_are_cut(size: int) -> None:
    data = frame(1, b"hello ") + frame(2, b"") + frame(2, b"world") + frame(1, b"!")

    assert b"".join(payloads(cut(data, size))) == b"hello world!"


def test_a_large_frame_is_handed_on_as_it_comes() -> None:
    data = frame(1, bytes(10_000_000))

    assert max(len(piece) for piece in payloads(cut(data, 1000))) <= 1000


@pytest.mark.parametrize("end", [1, 7, 8, 12])
def test_a_stream_that_breaks_off_is_no_end(end: int) -> None:
    with pytest.raises(StreamError, match="in the middle of a frame"):
        list(payloads(iter([frame(1, b"hello")[:end]])))


@pytest.mark.parametrize("start", [b"\0\0\0\0", b"\3\0\0\0", b"\1\0\0\1", b"HTTP"])
def test_what_is_no_frame_is_refused(start: bytes) -> None:
    with pytest.raises(StreamError, match=f"begins with {start.hex()}"):
        list(payloads(iter([start + b"\0\0\0\1x"])))
