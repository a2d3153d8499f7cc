"""SHA-256 digests of bytes, streams and files, as 64 lower-case hexadecimal characters."""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

from pydantic import StringConstraints

CHUNK = 1 << 20
_HEX = re.compile(r"[0-9a-f]{64}")

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def is_sha256(text: str) -> bool:
    """True for exactly 64 lower-case hexadecimal characters."""
    return _HEX.fullmatch(text) is not None


def sha256_bytes(data: bytes) -> str:
    """The digest of `data`."""
    return hashlib.sha256(data).hexdigest()


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The rest of `stream`, a mebibyte at a time."""
    while chunk := stream.read(CHUNK):
        yield chunk


def sha256_stream(stream: BinaryIO, advance: Callable[[int], object] = lambda _: None) -> str:
    """The digest of the rest of `stream`; `advance` hears the size of every chunk."""
    digest = hashlib.sha256()
    for chunk in chunks(stream):
        digest.update(chunk)
        advance(len(chunk))
    return digest.hexdigest()


def sha256_file(path: Path) -> str:
    """The digest of a file's contents."""
    with path.open("rb") as stream:
        return sha256_stream(stream)


def short(digest: str) -> str:
    """The first twelve characters, for people."""
    return digest.removeprefix("sha256:")[:12]
