"""The prefix that a conda package was built for, replaced by the image's, in text and in programs.

The rules are conda's (https://docs.conda.io/projects/conda-build/en/stable/resources/make-relocatable.html): in text
the new prefix stands for the old; in a program it is shorter or as long, and the rest of the string moves up and is
filled with NULs at its end. A first line that the kernel would cut off goes through env(1).
"""

import re

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
MAX_TEXT = 256 << 20
MAX_SHEBANG = 127
"""Bytes of a script's first line that every Linux reads whole (execve(2), "Interpreter scripts")."""
_SHEBANG = re.compile(rb"#![ \t]*(/(?:\\ |[^ \n\r\t])*)([^\n\r]*)")


def replace_in_text(data: bytes, placeholder: str, prefix: str) -> bytes:
    """The text with the new prefix; ValueError for one that would grow far beyond any text."""
    for encoding in ENCODINGS:
        old, new = placeholder.encode(encoding), prefix.encode(encoding)
        if len(data) + (len(new) - len(old)) * data.count(old) > MAX_TEXT:
            raise ValueError(f"a text of more than {MAX_TEXT} bytes with the prefix {placeholder[:100]!r} in it")
        data = data.replace(old, new)
    return short_shebang(data)


def short_shebang(data: bytes) -> bytes:
    """The script with a first line that the kernel reads whole."""
    found = _SHEBANG.match(data)
    if not found or (len(found[0]) <= MAX_SHEBANG and b"\\ " not in found[1]):
        return data
    return b"#!/usr/bin/env " + found[1].rpartition(b"/")[2] + found[2] + data[found.end() :]


def replace_in_binary(data: bytes, placeholder: str, prefix: str) -> bytes:
    """The program with the new prefix, byte for byte as long; ValueError when the new prefix is longer than the old."""
    for encoding in ENCODINGS:
        old, new = placeholder.encode(encoding), prefix.encode(encoding)
        if old in data:
            data = _replace_strings(data, old, new, "\0".encode(encoding))
    return data


def _replace_strings(data: bytes, old: bytes, new: bytes, nul: bytes) -> bytes:
    if len(new) > len(old):
        raise ValueError(f"the prefix {new!r} is longer than the one it was built for")

    patched, at = bytearray(data), 0
    # From the prefix up to the string's own NUL, which may stand at any place of a wider encoding.
    while (begin := data.find(old, at)) >= 0 and (end := data.find(nul, begin + len(old))) >= 0:
        at = end + len(nul)
        text = data[begin:at]
        patched[begin:at] = text.replace(old, new) + bytes((len(old) - len(new)) * text.count(old))
    return bytes(patched)
