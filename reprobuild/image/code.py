"""What the code in a library asks of a machine: GPU kernels by architecture, and the least kernel of Linux.

A CUDA compiler leaves code for several architectures in the section `.nv_fatbin` (`__nv_relfatbin` for code that was
to be linked again): containers, each with a header of 16 bytes (magic, version, header's size, size) and entries, each
with its kind, its own size, its payload's size and its architecture. NVIDIA publishes how to list it (cuobjdump,
https://docs.nvidia.com/cuda/cuda-binary-utilities/) and not the format, which is read here as libraries of CUDA 12.4
and 12.9 have it. Of a library of gigabytes only headers are read.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from reprobuild.hardware.needs import Kernels

ELF64 = b"\x7fELF\x02\x01"
FATBINS = (b".nv_fatbin", b"__nv_relfatbin")
ABI_NOTE = b".note.ABI-tag"
MAGIC = 0xBA55ED50
PTX, CUBIN = 1, 2
MAX_SECTIONS, MAX_NAMES, MAX_HEADERS = 10_000, 1 << 20, 1 << 20
_HEADER, _SECTION = struct.Struct("<6s10xHH4x8x8xQ4xHHHHHH"), struct.Struct("<IIQQQQIIQQ")
_CONTAINER, _ENTRY = struct.Struct("<IHHQ"), struct.Struct("<HHIQ12xI")
Part = tuple[int, int]
"""Offset and size."""


def read_code(stream: BinaryIO, size: int) -> tuple[Kernels, str]:
    """GPU kernels and the least kernel of Linux of an ELF file whose bytes come next; nothing for any other file."""
    start = stream.tell()
    parts = dict(_sections(stream, start, size))
    found: set[tuple[int, int]] = set()
    for name in FATBINS:
        if name in parts:
            found |= set(_targets(stream, start + parts[name][0], parts[name][1]))
    cubin, ptx = (sorted(target for kind, target in found if kind == wanted) for wanted in (CUBIN, PTX))
    least = ""
    if ABI_NOTE in parts and parts[ABI_NOTE][1] >= 32:
        stream.seek(start + parts[ABI_NOTE][0])
        least = _least_linux(stream.read(32))
    return Kernels(cubin=tuple(cubin), ptx=tuple(ptx)), least


def _sections(stream: BinaryIO, start: int, size: int) -> Iterator[tuple[bytes, Part]]:
    """The sections that matter here, inside a file (System V ABI, "Sections")."""
    head = stream.read(_HEADER.size)
    if len(head) < _HEADER.size or head[:6] != ELF64:
        return
    *_, offset, _, _, _, each, count, names = _HEADER.unpack(head)
    if each != _SECTION.size or not 0 < count <= MAX_SECTIONS or names >= count or offset + each * count > size:
        return
    stream.seek(start + offset)
    rows = list(_SECTION.iter_unpack(stream.read(each * count)))
    place, length = rows[names][4], min(rows[names][5], MAX_NAMES)
    stream.seek(start + min(place, size))
    words = stream.read(min(length, max(0, size - place)))
    for row in rows:
        name = words[row[0] : row[0] + 32].partition(b"\0")[0]
        if name in (*FATBINS, ABI_NOTE) and row[4] + row[5] <= size and row[1] != 8:  # SHT_NOBITS has no bytes
            yield name, (row[4], row[5])


def _targets(stream: BinaryIO, start: int, size: int) -> Iterator[tuple[int, int]]:
    """Kind and architecture of every entry; what is no container ends the search."""
    at, headers = 0, 0
    while at + _CONTAINER.size <= size and headers < MAX_HEADERS:
        headers += 1
        stream.seek(start + at)
        magic, _, header, length = _CONTAINER.unpack(stream.read(_CONTAINER.size))
        if magic == 0:  # containers are aligned
            at += 8
            continue
        if magic != MAGIC or header < _CONTAINER.size:
            return
        end = min(at + header + length, size)
        at += header
        while at + _ENTRY.size <= end and headers < MAX_HEADERS:
            headers += 1
            stream.seek(start + at)
            kind, _, own, payload, target = _ENTRY.unpack(stream.read(_ENTRY.size))
            if own < _ENTRY.size:
                return
            if kind in (PTX, CUBIN) and 0 < target < 100_000:
                yield kind, target
            at += own + payload
        at = end


def _least_linux(note: bytes) -> str:
    """Of a `.note.ABI-tag` (LSB Core, "Note Section"): name "GNU", then the system (0 is Linux) and three numbers."""
    name, length, kind, owner, system, *version = struct.unpack("<III4sI3I", note)
    if (name, length, kind, owner, system) != (4, 16, 1, b"GNU\0", 0) or max(version) > 99_999:
        return ""
    return ".".join(map(str, version))
