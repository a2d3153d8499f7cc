"""SONAMEs of shared libraries (System V ABI, "Dynamic Section")."""

import re
from typing import BinaryIO, cast

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

MAX_LIBRARY = 1 << 30
HEADER, SECTIONS = 64, slice(60, 62)
"""Bytes of an ELF header, and where in it `e_shnum` is."""
_GLIBC = re.compile(r"GLIBC_(\d{1,4}(?:\.\d{1,4}){1,2})")


def read_soname(stream: BinaryIO, size: int) -> str:
    """The SONAME of a 64-bit shared library whose bytes come next, or nothing for any other file."""
    head = stream.read(HEADER) if HEADER <= size <= MAX_LIBRARY else b""
    # Without a number of sections the first one tells how many there are, which may be as many as the file has bytes.
    if not head.startswith(b"\x7fELF\x02") or head[SECTIONS] == b"\0\0":
        return ""
    library = _Window(stream, stream.tell() - HEADER, size)
    try:
        section = ELFFile(cast(BinaryIO, library)).get_section_by_name(".dynamic")
        if isinstance(section, DynamicSection):
            for tag in section.iter_tags("DT_SONAME"):
                return str(getattr(tag, "soname", ""))
    except (ELFError, ValueError, IndexError, OverflowError):
        return ""  # a file that only begins like a library; the linker's cache leaves it out too
    return ""


def read_needed_glibc(stream: BinaryIO) -> str:
    """The newest version of glibc that a shared library asks for (LSB Core, "Symbol Versioning"), or nothing."""
    try:
        section = ELFFile(stream).get_section_by_name(".gnu.version_r")
        if not isinstance(section, GNUVerNeedSection):
            return ""
        names = [str(item.name) for _, items in section.iter_versions() for item in items]
    except (ELFError, ValueError, IndexError, OverflowError):
        return ""
    found = [tuple(map(int, match[1].split("."))) for name in names if (match := _GLIBC.fullmatch(name))]
    return ".".join(map(str, max(found, default=())))


class _Window:
    """A part of a file as a file: only the few headers that are asked for are read."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self._stream, self._start, self._size, self._at = stream, start, size, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        self._stream.seek(self._start + self._at)
        data = self._stream.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data
