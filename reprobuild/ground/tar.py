"""Tar entries in one spelling: POSIX ustar, with a pax header where a name does not fit.

Owner and group are always 0 and there is one time for all entries, so an entry's bytes depend on its path, kind,
mode, size and link target alone (IEEE Std 1003.1, pax, "ustar Interchange Format"). The reader accepts exactly what
the writer writes: it builds every header again and compares. It never writes to disk.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import SEEK_CUR
from typing import BinaryIO, Literal

from reprobuild.ground.errors import InputError

BLOCK = 512
END = bytes(2 * BLOCK)
MAX_PAX = 64 * 1024
MAX_PATH, MAX_NAME = 4096, 255
"""Bytes of a path with its NUL, and of one part of it (limits.h, `PATH_MAX` and `NAME_MAX`)."""
_FAR = 1 << 20
Kind = Literal["file", "dir", "symlink", "hardlink"]
_FLAGS: dict[Kind, bytes] = {"file": b"0", "hardlink": b"1", "symlink": b"2", "dir": b"5"}
_KINDS: dict[bytes, Kind] = {flag: kind for kind, flag in _FLAGS.items()}


@dataclass(frozen=True)
class Entry:
    """One member: a relative path without a trailing slash, permission bits, and what its kind needs."""

    path: str
    kind: Kind = "file"
    mode: int = 0o644
    size: int = 0
    link: str = ""


def padding(size: int) -> bytes:
    """The zeros that fill `size` bytes up to a whole block."""
    return bytes(-size % BLOCK)


def render_header(entry: Entry, mtime: int) -> bytes:
    """The header blocks of an entry; its `size` bytes of content and their padding follow."""
    name = _bytes(entry.path) + (b"/" if entry.kind == "dir" else b"")
    link = _bytes(entry.link)
    records = b""
    if link and (len(link) > 100 or not link.isascii()):
        records += _pax_record(b"linkpath", link)
    if len(name) > 100 or not name.isascii():
        records += _pax_record(b"path", name)
    if entry.size >= 8 << 30:
        records += _pax_record(b"size", str(entry.size).encode())
    pax = b""
    if records:
        pax = _ustar(b"pax", b"x", 0o644, len(records), b"", mtime) + records + padding(len(records))
    size = entry.size if entry.size < 8 << 30 else 0
    short_name, short_link = (_ascii(text[:100]) for text in (name, link))
    return pax + _ustar(short_name, _FLAGS[entry.kind], entry.mode, size, short_link, mtime)


def _ascii(text: bytes) -> bytes:
    return text if text.isascii() else bytes(c if c < 128 else ord("_") for c in text)


def _pax_record(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def _ustar(name: bytes, flag: bytes, mode: int, size: int, link: bytes, mtime: int) -> bytes:
    head = b"".join(
        (
            name.ljust(100, b"\0"),
            b"%07o\0" % mode,
            b"%07o\0" % 0,
            b"%07o\0" % 0,
            b"%011o\0" % size,
            b"%011o\0" % mtime,
            b" " * 8,
            flag,
            link.ljust(100, b"\0"),
            b"ustar\x0000",
        )
    ).ljust(BLOCK, b"\0")
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]


def read_entries(stream: BinaryIO, subject: str, mtime: int) -> Iterator[tuple[Entry, BinaryIO]]:
    """Each entry with a stream of its content, which the caller may leave unread.

    InputError for anything the writer above would not have written: another spelling of a header, an unsafe path,
    a missing end, bytes after the end.
    """
    while True:
        first = _exactly(stream, BLOCK, subject)
        if first == bytes(BLOCK):
            break
        raw, records = first, b""
        if first[156:157] == b"x":
            size = _octal(first[124:135], subject)
            if size > MAX_PAX:
                raise InputError(f"{subject}: a pax header of {size} bytes")
            records = _exactly(stream, size, subject)
            raw += records + _exactly(stream, len(padding(size)), subject)
            first = _exactly(stream, BLOCK, subject)
            raw += first
        entry = _parse_header(first, records, subject)
        if render_header(entry, mtime) != raw:
            raise InputError(f"{subject}: {entry.path!r}: not a header that reprobuild writes")
        check_entry(entry, subject)
        content = _Content(stream, entry.size, subject)
        yield entry, content  # type: ignore[misc]  # a reader of read() alone
        content.skip()
        if _exactly(stream, len(padding(entry.size)), subject).strip(b"\0"):
            raise InputError(f"{subject}: {entry.path!r}: padding that is not zero")
    if _exactly(stream, BLOCK, subject) != bytes(BLOCK) or stream.read(1):
        raise InputError(f"{subject}: something follows the end of the archive")


def check_entry(entry: Entry, subject: str) -> None:
    """InputError unless path and link name something that can be made; a hard link's target is inside too."""
    check_path(entry.path, subject)
    if entry.kind == "hardlink":
        check_path(entry.link, subject)
    elif entry.kind == "symlink" and (not entry.link or "\0" in entry.link or len(_bytes(entry.link)) >= MAX_PATH):
        raise InputError(f"{subject}: {entry.path!r}: a link to {entry.link[:100]!r}")


def check_path(path: str, subject: str) -> None:
    """InputError unless `path` is relative, normal and stays inside the folder it is unpacked to."""
    if not path or path.startswith("/") or "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise InputError(f"{subject}: {path[:200]!r}: not a path inside the archive")
    if len(_bytes(path)) >= MAX_PATH or max(len(_bytes(part)) for part in path.split("/")) > MAX_NAME:
        raise InputError(f"{subject}: {path[:100]!r}…: a name that is longer than Linux has them")


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _parse_header(block: bytes, records: bytes, subject: str) -> Entry:
    kind = _KINDS.get(block[156:157])
    if kind is None:
        raise InputError(f"{subject}: a tar member of type {block[156:157]!r}")
    fields = dict(_pax_fields(records, subject))
    name = fields.get(b"path", block[:100].rstrip(b"\0"))
    link = fields.get(b"linkpath", block[157:257].rstrip(b"\0"))
    size = int(fields[b"size"]) if fields.get(b"size", b"").isdigit() else _octal(block[124:135], subject)
    return Entry(
        path=(name[:-1] if kind == "dir" else name).decode("utf-8", "surrogateescape"),
        kind=kind,
        mode=_octal(block[100:107], subject),
        size=size,
        link=link.decode("utf-8", "surrogateescape"),
    )


def _pax_fields(records: bytes, subject: str) -> Iterator[tuple[bytes, bytes]]:
    while records:
        digits, _, _ = records.partition(b" ")
        if not digits.isdigit() or len(digits) > 6 or not 0 < int(digits) <= len(records):
            raise InputError(f"{subject}: a broken pax header")
        record, records = records[: int(digits)], records[int(digits) :]
        key, _, value = record[len(digits) + 1 : -1].partition(b"=")
        yield key, value


def _octal(field: bytes, subject: str) -> int:
    if not field or field.strip(b"01234567"):
        raise InputError(f"{subject}: a tar header with {field!r} in place of a number")
    return int(field, 8)


def _exactly(stream: BinaryIO, size: int, subject: str) -> bytes:
    data = stream.read(size) if size else b""
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    if len(data) != size:
        raise InputError(f"{subject}: it ends early; the file is truncated")
    return data


class _Content:
    """Reads at most the content of one entry; a short archive is an InputError, never a short read."""

    def __init__(self, stream: BinaryIO, size: int, subject: str) -> None:
        self._stream, self._left, self._subject = stream, size, subject

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = _exactly(self._stream, wanted, self._subject)
        self._left -= len(data)
        return data

    def skip(self) -> None:
        if self._left > _FAR and self._stream.seekable():
            self._stream.seek(self._left - 1, SEEK_CUR)
            self._left = 1  # the last byte is read, so that an archive which ends early is found
        while self.read(1 << 20):
            continue
