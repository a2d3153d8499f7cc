"""Names of shared libraries, and files that only look like libraries."""

import io
import struct
import time

from builders.gpu_code import make_elf

from reprobuild.image.elf import read_soname


def test_a_file_whose_sections_are_numbered_by_its_first_one_is_no_library() -> None:
    """As many sections as a file has bytes, each read by name, would take hours of a few kilobytes packed."""
    head = bytearray(make_elf({".text": b""})[:64])
    struct.pack_into("<Q10xHH", head, 40, 64, 64, 0)
    first = struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 0, 1 << 20, 0, 0, 0, 0)
    begun = time.monotonic()

    assert read_soname(io.BytesIO(bytes(head) + first + bytes(64 << 20)), (64 << 20) + 128) == ""
    assert time.monotonic() - begun < 2


def test_what_ends_within_its_header_is_no_library() -> None:
    assert read_soname(io.BytesIO(b"\x7fELF\x02\x01"), 6) == ""
