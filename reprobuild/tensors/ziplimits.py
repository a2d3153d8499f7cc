"""How large a zip says its directory is, before anything reads it into memory (APPNOTE.TXT 4.3.14 to 4.3.16)."""

import os
import struct
from pathlib import Path
from typing import BinaryIO

from reprobuild.tensors.errors import MalformedError, UncomparableError

MAX_DIRECTORY = 8 << 20
_END, _END_SIZE, _MAX_COMMENT = b"PK\x05\x06", 22, 0xFFFF
_LOCATOR, _LOCATOR_SIZE = b"PK\x06\x07", 20
_END64, _END64_SIZE = b"PK\x06\x06", 56


def check_directory(path: Path) -> None:
    """See `check_directory_of`."""
    with path.open("rb") as stream:
        check_directory_of(stream)


def check_directory_of(stream: BinaryIO) -> None:
    """MalformedError for what is no zip, UncomparableError for a directory of more than MAX_DIRECTORY bytes."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _END_SIZE - _MAX_COMMENT - _LOCATOR_SIZE - _END64_SIZE))
    tail = stream.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < _END_SIZE:
        raise MalformedError("not a zip: its directory is missing")
    claimed: int = struct.unpack_from("<L", tail, end + 12)[0]
    locator = end - _LOCATOR_SIZE
    if locator >= _END64_SIZE and tail.startswith(_LOCATOR, locator):
        if not tail.startswith(_END64, locator - _END64_SIZE):
            raise MalformedError("not a zip: a broken directory")
        claimed = struct.unpack_from("<Q", tail, locator - _END64_SIZE + 40)[0]
    if claimed > MAX_DIRECTORY:
        raise UncomparableError(f"a zip whose directory is larger than {MAX_DIRECTORY >> 20} MiB")
