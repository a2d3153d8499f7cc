"""The two formats of conda packages as streams: `.conda` (a zip of two zstd tars) and `.tar.bz2`; nothing is unpacked.

https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/packages.html
"""

import bz2
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from zipfile import BadZipFile, ZipFile

import zstandard

from reprobuild.ground.digests import chunks
from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import check_path
from reprobuild.image.foreign_tar import members_of, open_tar
from reprobuild.image.spool import IN_MEMORY, MAX_CONTENT

MAX_INFO = 128 << 20
"""Bytes of one file about a package: `paths.json` of 200,000 files is about 50 MB."""
MAX_FILES = 500_000
INFO = ("index.json", "paths.json", "files", "has_prefix", "link.json")
# A zip that is encrypted is a RuntimeError; what the machine itself refuses is an OSError.
BROKEN = (BadZipFile, RuntimeError, NotImplementedError, tarfile.TarError, zstandard.ZstdError, EOFError, zlib.error)
Members = Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]


class _Bounded:
    """What an unpacker gives, up to a limit: a small file may stand for terabytes."""

    def __init__(self, stream: BinaryIO, limit: int, subject: str) -> None:
        self._stream, self._left, self._limit, self._subject = stream, limit, limit, subject

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise InputError(f"{self._subject}: unpacks to more than {self._limit} bytes")
        return data


@contextmanager
def open_package(path: Path, subject: str, folder: str | None) -> Iterator[tuple[dict[str, bytes], Members]]:
    """The files about a package by name, and its members in their own order; InputError for what is no package."""
    opened = _open_conda if subject.endswith(".conda") else _open_bz2
    try:
        with opened(path, subject, folder) as found:
            yield found
    except BROKEN as error:
        raise InputError(f"{subject}: broken: {str(error).splitlines()[0] if str(error) else 'cut off'}") from error


@contextmanager
def _open_conda(path: Path, subject: str, _: str | None) -> Iterator[tuple[dict[str, bytes], Members]]:
    with ZipFile(path) as archive:
        with _tar_of(archive, "info-", subject) as tar:
            info = _read_info(tar, subject)
        with _tar_of(archive, "pkg-", subject) as tar:
            yield info, _members(tar, subject)


@contextmanager
def _tar_of(archive: ZipFile, stem: str, subject: str) -> Iterator[tarfile.TarFile]:
    names = [name for name in archive.namelist() if name.startswith(stem) and name.endswith(".tar.zst")]
    if len(names) != 1:
        raise InputError(f"{subject}: it has {len(names)} members {stem}*.tar.zst, wanted 1")
    with archive.open(names[0]) as packed:
        unpacked = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        bounded = cast(BinaryIO, _Bounded(cast(BinaryIO, unpacked), MAX_CONTENT, subject))
        with open_tar(bounded, "r|") as tar:
            yield tar


@contextmanager
def _open_bz2(path: Path, subject: str, folder: str | None) -> Iterator[tuple[dict[str, bytes], Members]]:
    """Files about the package may come last in this format, so it is unpacked once and read twice."""
    with SpooledTemporaryFile(IN_MEMORY, dir=folder) as whole:
        _unpack_bz2(path, cast(BinaryIO, whole), subject)
        whole.seek(0)
        with open_tar(cast(BinaryIO, whole), "r:") as tar:
            info = _read_info(tar, subject)
        whole.seek(0)
        with open_tar(cast(BinaryIO, whole), "r:") as tar:
            yield info, (item for item in _members(tar, subject) if not item[0].name.startswith("info/"))


def _unpack_bz2(path: Path, target: BinaryIO, subject: str) -> None:
    done = 0
    with bz2.open(path) as unpacked:
        try:
            for chunk in chunks(cast(BinaryIO, unpacked)):
                target.write(chunk)
                done += len(chunk)
                if done > MAX_CONTENT:
                    raise InputError(f"{subject}: unpacks to more than {MAX_CONTENT} bytes")
        except OSError as error:
            if error.errno is None:  # bz2 says so of broken data; the machine's own errors have a number
                raise EOFError(str(error)) from error
            raise


def _read_info(tar: tarfile.TarFile, subject: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for member in members_of(tar, MAX_FILES, subject):
        name = member.name.removeprefix("./").removeprefix("info/")
        if member.isfile() and name in INFO and member.name.removeprefix("./").startswith("info/"):
            if member.size > MAX_INFO or name in found:
                raise InputError(f"{subject}: info/{name}: twice, or of more than {MAX_INFO} bytes")
            content = tar.extractfile(member)
            found[name] = content.read() if content else b""
    return found


def _members(tar: tarfile.TarFile, subject: str) -> Members:
    """Files and links; InputError for a path that leads out, and for what is neither file, folder nor link."""
    for member in members_of(tar, MAX_FILES, subject):
        member.name = member.name.removeprefix("./").rstrip("/")
        if member.isdir():
            continue
        check_path(member.name, subject)
        if not (member.isfile() or member.issym() or member.islnk()):
            raise InputError(f"{subject}: {member.name}: neither a file, a folder nor a link")
        yield member, cast("BinaryIO | None", tar.extractfile(member)) if member.isfile() else None
