"""Where the bytes of a zip's members are (APPNOTE.TXT of PKWARE, 4.3.7), read past `zipfile` and its checksums.

PyTorch may leave checksums out (`torch.serialization.set_crc32_options`) and never looks at them.
"""

import struct
import zipfile
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from reprobuild.tensors.content import Bytes
from reprobuild.tensors.errors import MalformedError, UncomparableError
from reprobuild.tensors.window import exactly

MAX_INFLATED = 64 << 20
"""Bytes of a compressed member, which is held in memory; PyTorch compresses none."""


def place(stream: BinaryIO, info: zipfile.ZipInfo) -> tuple[int, int]:
    """Where a stored member's bytes begin and end."""
    stream.seek(info.header_offset)
    header = struct.unpack("<4s5H3L2H", exactly(stream, 30))
    if header[0] != b"PK\x03\x04" or info.flag_bits & 1:
        raise MalformedError("a zip with a member that is not where its directory says, or that is encrypted")
    begin = info.header_offset + 30 + header[9] + header[10]
    return begin, begin + info.file_size


def read_member(stream: BinaryIO, archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    """A small member."""
    if info.file_size > limit:
        raise UncomparableError(f"a {info.filename.rpartition('/')[2][:100]} of {info.file_size} bytes")
    if info.compress_type == zipfile.ZIP_STORED:
        stream.seek(place(stream, info)[0])
        return exactly(stream, info.file_size)
    with archive.open(info) as member:
        return member.read(limit + 1)


def map_member(whole: Bytes, stream: BinaryIO, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Bytes:
    """A member's bytes as a part of the mapped file, or unpacked."""
    if info.compress_type != zipfile.ZIP_STORED:
        return np.frombuffer(read_member(stream, archive, info, MAX_INFLATED), np.uint8)
    begin, end = place(stream, info)
    if end > len(whole):
        raise MalformedError("a zip with a member that ends after the file")
    return whole[begin:end]


def refuse_overlap(stream: BinaryIO, infos: Iterable[zipfile.ZipInfo]) -> None:
    """MalformedError where two stored members share bytes."""
    reached = 0
    for begin, end in sorted(place(stream, info) for info in infos if info.compress_type == zipfile.ZIP_STORED):
        if begin < reached:
            raise MalformedError("a zip whose members overlap")
        reached = max(reached, end)
