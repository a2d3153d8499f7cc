"""`/etc/ld.so.cache` without ldconfig: the format `glibc-ld.so.cache1.1` (glibc, sysdeps/generic/dl-cache.h)."""

import re
import struct
from collections.abc import Iterable, Mapping
from functools import cmp_to_key

MAGIC = b"glibc-ld.so.cache1.1"
LIBC6_X86_64 = 0x0303
"""FLAG_ELF_LIBC6 | FLAG_X8664_LIB64."""
LITTLE_ENDIAN = 2
"""cache_file_new_flags_endian_little."""
HEADER = struct.Struct("<20sIIB3xI12x")
ENTRY = struct.Struct("<iIIIQ")
DEFAULTS = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib", "/lib64", "/usr/lib64")


def search_folders(texts: Mapping[str, str]) -> list[str]:
    """The linker's folders in order: those of `ld.so.conf` and the files it includes, then the built-in ones."""
    lines: list[str] = []
    for line in texts.get("etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf").splitlines():
        if line.startswith("include"):
            for path in sorted(texts):
                if path.startswith("etc/ld.so.conf.d/") and path.endswith(".conf"):
                    lines += texts[path].splitlines()
        else:
            lines.append(line)
    folders = [line.partition("#")[0].strip() for line in lines]
    return list(dict.fromkeys([folder for folder in folders if folder.startswith("/")] + list(DEFAULTS)))


def render_cache(libraries: Iterable[tuple[str, str]]) -> bytes:
    """The cache of (SONAME, path) pairs; the linker finds the first of equal names."""
    first = dict(reversed(list(libraries)))
    order = [(name, first[name]) for name in sorted(first, key=cmp_to_key(compare_names), reverse=True)]
    strings = bytearray()
    rows = []
    start = HEADER.size + ENTRY.size * len(order)
    for soname, path in order:
        offsets = []
        for text in (soname, path):
            offsets.append(start + len(strings))
            strings += text.encode() + b"\0"
        rows.append(ENTRY.pack(LIBC6_X86_64, *offsets, 0, 0))
    return HEADER.pack(MAGIC, len(rows), len(strings), LITTLE_ENDIAN, 0) + b"".join(rows) + bytes(strings)


def compare_names(one: str, other: str) -> int:
    """The order that the linker's binary search expects (`_dl_cache_libcmp` in glibc's elf/dl-cache.c).

    Runs of digits compare as numbers, and a digit sorts after any other character.
    """
    left, right = (re.findall(r"[0-9]+|[^0-9]", text) for text in (one, other))
    for a, b in zip(left, right, strict=False):
        if a.isdigit() and b.isdigit():
            if int(a) != int(b):
                return int(a) - int(b)
        elif a.isdigit() != b.isdigit():
            return 1 if a.isdigit() else -1
        elif a != b:
            return ord(a) - ord(b)
    # The longer one has a character where the other has its end; a digit there counts for more, others too.
    return len(left) - len(right)
