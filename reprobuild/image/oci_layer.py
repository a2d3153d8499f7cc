"""Layers of other people's images to ours: read as a stream of bytes, never unpacked to disk.

Owners become root and times the image's; special bits, devices, pipes and extended attributes go; whiteouts stay.
"""

import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import Entry
from reprobuild.ground.tree import check_name
from reprobuild.image.foreign_tar import members_of, open_tar
from reprobuild.image.note import Note, code_of
from reprobuild.image.spool import MAX_CONTENT, Spool
from reprobuild.image.whiteouts import is_internal, is_whiteout, removed_by

BROKEN = (tarfile.TarError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError, EOFError, ValueError)
MAX_ENTRIES = 1_000_000
MAX_RECORDS = 128 << 20
"""Bytes of all lists of installed files (RECORD), which are kept whole; 500 packages have about 20 MB."""
MAX_PROGRAM = 64 << 20
"""Bytes of a program or library that is looked at for its version."""
_PYTHON = re.compile(r"(?:^|/)(?:bin/|lib(?:64)?/(?:[\w-]+/)?lib)python3\.(\d{1,2})(?:\.so(?:\.\d+)*)?$")
_RECORD = re.compile(r"/(?:site|dist)-packages/[^/]+\.dist-info/RECORD$")
_GLIBC = re.compile(rb"GNU C Library [^\n]{0,200}? release version (\d{1,3}\.\d{1,3})")


def read_layer(path: Path, subject: str, spool: Spool) -> Note:
    """Put what a layer holds into `spool`; its note tells versions of Pythons and glibc, and RECORDs."""
    with _tar(path, subject) as archive:
        for member in members_of(archive, MAX_ENTRIES, subject):
            _take(member, archive, spool, subject)
    entries = sorted(spool.entries.items())
    records = sum(entry.size for path, entry in entries if _RECORD.search(path))
    if records > MAX_RECORDS:
        raise InputError(f"{subject}: RECORDs of {records} bytes", hint="take a base with fewer Python packages")
    texts = {path: found for path, entry in entries if entry.kind == "file" and (found := _told(entry, spool))}
    linked = {path: texts[entry.link] for path, entry in entries if entry.link in texts and entry.kind != "symlink"}
    kernels, linux = code_of(spool)
    return Note(
        paths={path: entry.kind + (f":{entry.link}" if entry.link else "") for path, entry in entries},
        sonames={},
        texts=texts | linked,
        scripts={},
        kernels=kernels,
        linux=linux,
    )


@contextmanager
def _tar(path: Path, subject: str) -> Iterator[tarfile.TarFile]:
    """The archive, whatever it is packed with: media types do not always tell."""
    with path.open("rb") as stream, ExitStack() as stack:
        first = stream.read(4)
        stream.seek(0)
        packed: BinaryIO = stream
        if first.startswith(b"\x1f\x8b"):
            packed = cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=stream)))
        elif first == b"\x28\xb5\x2f\xfd":
            unpacker = zstandard.ZstdDecompressor(max_window_size=128 << 20)
            packed = cast(BinaryIO, stack.enter_context(unpacker.stream_reader(stream, read_across_frames=True)))
        try:
            with open_tar(packed, "r|") as archive:
                yield archive
        except BROKEN as error:
            raise InputError(f"{subject}: not a layer that can be read: {error}") from error


def _take(member: tarfile.TarInfo, archive: tarfile.TarFile, spool: Spool, subject: str) -> None:
    path = check_name(_normal(member.name), subject)
    if not path or is_internal(path):
        return
    if is_whiteout(path):
        removed_by(path, subject)
        spool.add_bytes(path, b"")
    elif member.isdir():
        spool.add(Entry(path, "dir", member.mode & 0o1777))
    elif member.isfile():
        if member.size > MAX_CONTENT:
            raise InputError(f"{subject}: {path}: {member.size} bytes")
        spool.add(Entry(path, "file", member.mode & 0o777, member.size), archive.extractfile(member))  # type: ignore[arg-type]
    elif member.issym():
        spool.add(Entry(path, "symlink", 0o777, link=check_name(member.linkname, subject)))
    elif member.islnk():
        spool.add(_linked(path, check_name(_normal(member.linkname), subject), spool, subject))


def _linked(path: str, target: str, spool: Spool, subject: str) -> Entry:
    there = spool.entries.get(target)
    if there is None or there.kind == "dir":
        # What a link to a file of another layer means differs between engines: docker's own storage refuses it too.
        raise InputError(f"{subject}: {path}: a hard link to {target}, which is no file of this layer before it")
    if there.kind == "file":
        return Entry(path, "hardlink", there.mode, link=target)
    return Entry(path, there.kind, there.mode, link=there.link)


def _normal(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _told(entry: Entry, spool: Spool) -> str:
    """The version that a Python or a C library has in its own bytes, when it says one and no other; a RECORD whole."""
    name = entry.path.rpartition("/")[2]
    if _RECORD.search(entry.path):
        return spool.read(entry.path).decode(errors="replace")
    if entry.size > MAX_PROGRAM:
        return ""
    if python := _PYTHON.search(entry.path):
        pattern = rb"\0(3\.%s\.\d{1,3})\+?\0" % python[1].encode()
        found = set(re.findall(pattern, spool.read(entry.path)))
    elif name == "libc.so.6" or re.fullmatch(r"libc-2\.\d+\.so", name):
        found = set(_GLIBC.findall(spool.read(entry.path)))
    else:
        return ""
    return found.pop().decode() if len(found) == 1 else ""
