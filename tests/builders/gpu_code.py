"""ELF files with a few sections, and the containers of GPU code that CUDA's compiler leaves in them."""

import struct
from collections.abc import Mapping, Sequence


def make_elf(sections: Mapping[str, bytes]) -> bytes:
    """A 64-bit ELF file with nothing but these sections and their names (System V ABI)."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in sections) + b".shstrtab\0"
    bodies = {**sections, ".shstrtab": names}
    rows, content, at = [bytes(64)], b"", 64
    for name, body in bodies.items():
        place = names.index(b"\0" + name.encode() + b"\0") + 1
        rows.append(struct.pack("<IIQQQQIIQQ", place, 1, 0, 0, at, len(body), 0, 0, 1, 0))
        content += body
        at += len(body)
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, 62, 1, 0, 0, at, 0, 64, 0, 0, 64, len(rows), len(rows) - 1
    )
    return head + content + b"".join(rows)


def fatbin(*entries: tuple[str, int], header: int = 64, padding: int = 0) -> bytes:
    """One container of entries such as ("sm", 80) and ("compute", 90), each with a payload that is no code."""
    body = b""
    for kind, target in entries:
        payload = b"\xaa" * 24
        entry = struct.pack("<HHIQIIHHI", 2 if kind == "sm" else 1, 0x101, header, len(payload), 0, 0, 7, 1, target)
        body += entry.ljust(header, b"\0") + payload
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body + bytes(padding)


def abi_note(system: int, version: Sequence[int]) -> bytes:
    """`.note.ABI-tag` (LSB Core, "Note Section")."""
    return struct.pack("<III4sI3I", 4, 16, 1, b"GNU\0", system, *version)
