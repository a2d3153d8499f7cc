"""SONAMEs of shared libraries (System V ABI, "Dynamic Section")."""

import io
from typing import BinaryIO

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

MAX_LIBRARY = 1 << 30


def read_soname(stream: BinaryIO, size: int) -> str:
    """The SONAME of a 64-bit shared library whose bytes come next, or nothing for any other file."""
    if size > MAX_LIBRARY or stream.read(5) != b"\x7fELF\x02":
        return ""
    library = io.BytesIO(b"\x7fELF\x02" + stream.read(size - 5))
    try:
        section = ELFFile(library).get_section_by_name(".dynamic")
        if isinstance(section, DynamicSection):
            for tag in section.iter_tags("DT_SONAME"):
                return str(getattr(tag, "soname", ""))
    except (ELFError, ValueError, IndexError, OverflowError):
        return ""  # a file that only begins like a library; the linker's cache leaves it out too
    return ""
