"""Wheels to tar members, with the semantics of the `installer` library; nothing is executed and no bytecode is made."""

import base64
import hashlib
import io
import posixpath
import warnings
import zlib
from collections.abc import Iterable, Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from zipfile import BadZipFile, ZipFile

from installer import install
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import Hash, RecordEntry
from installer.scripts import Script
from installer.sources import WheelFile
from installer.utils import Scheme, construct_record_file, fix_shebang

from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import Entry
from reprobuild.image.note import Note
from reprobuild.image.spool import MAX_CONTENT, Spool
from reprobuild.lock.base import PythonOf

if TYPE_CHECKING:
    from installer.scripts import ScriptSection
    from installer.sources import WheelContentElement

# installer asserts what it expects of entry points.
BROKEN = (BadZipFile, InstallerError, NotImplementedError, EOFError, KeyError, ValueError, AssertionError, zlib.error)
"""What a broken wheel makes its readers say; an OSError is the machine's own."""
ALGORITHMS = ("sha256", "sha384", "sha512")
"""Binary distribution format, "Signed wheel files": sha256 or better."""
MAX_SCRIPT = 1 << 30
"""Scripts, among them whole programs, are held in memory while their first line is looked at."""
MAX_FILES = 200_000


def read_wheel(path: Path, subject: str, python: PythonOf, spool: Spool) -> Note:
    """Put what a wheel installs for `python` into `spool`; InputError when its RECORD does not agree with it."""
    try:
        with ZipFile(path) as archive, warnings.catch_warnings():
            # A wheel with __pycache__ is installed without it, and installer warns; that is what is wanted here.
            warnings.simplefilter("ignore", RuntimeWarning)
            _check(archive, subject)
            source = _Source(archive)
            source.validate_record(validate_contents=False)  # contents are held against it while they are copied
            install(source, _Destination(python, spool), {"INSTALLER": b"reprobuild\n"})
    except BROKEN as error:
        raise InputError(f"{subject}: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from error
    return Note.of(spool)


def _check(archive: ZipFile, subject: str) -> None:
    items = archive.infolist()
    if len(items) > MAX_FILES or sum(item.file_size for item in items) > MAX_CONTENT:
        raise InputError(f"{subject}: unpacks to more than {MAX_FILES} files or {MAX_CONTENT} bytes")
    names = [item.filename for item in items]
    if len(set(names)) != len(names):
        raise InputError(f"{subject}: a file is in it twice")
    for name in names:
        if name.startswith("/") or ".." in name.split("/") or "\\" in name:
            raise InputError(f"{subject}: {name!r}: not a path inside a wheel")


class _Source(WheelFile):
    """A wheel under whatever name the store keeps it: name and version are those of its .dist-info folder."""

    def __init__(self, archive: ZipFile) -> None:
        folders = {name.split("/")[0] for name in archive.namelist() if name.split("/")[0].endswith(".dist-info")}
        if len(folders) != 1:
            raise ValueError(f"it has {len(folders)} .dist-info folders")
        name, _, version = folders.pop().removesuffix(".dist-info").partition("-")
        archive.filename = f"{name}-{version}-py3-none-any.whl"
        super().__init__(archive)

    def get_contents(self) -> "Iterator[WheelContentElement]":
        """Each file; ValueError behind one that was read and is not what RECORD says."""
        for record, stream, is_executable in super().get_contents():
            algorithm = record[1].partition("=")[0] or "sha256"
            if algorithm not in ALGORITHMS:
                raise ValueError(f"RECORD: {record[0]}: {algorithm} is no hash that wheels may use")
            content = Content(stream, self._zipfile.getinfo(record[0]).file_size, algorithm)
            yield record, cast(BinaryIO, content), is_executable
            if content.position and record[1] and record[1:] != (content.record_hash, str(content.size)):
                raise ValueError(f"{record[0]}: hash or size is not what RECORD says")


def _rewound(stream: BinaryIO) -> "Content":
    content = Content(stream, stream.seek(0, io.SEEK_END))
    stream.seek(0)
    return content


class Content:
    """What is read once, hashed as it passes; `size` in bytes as announced."""

    def __init__(self, stream: BinaryIO, size: int, algorithm: str = "sha256") -> None:
        self._stream, self._digest = stream, hashlib.new(algorithm)
        self.size, self.position = size, 0

    def read(self, size: int = -1) -> bytes:
        """Pass on, and remember."""
        data = self._stream.read(size)
        self._digest.update(data)
        self.position += len(data)
        return data

    @property
    def hexdigest(self) -> str:
        """The digest of what passed."""
        return self._digest.hexdigest()

    @property
    def record_hash(self) -> str:
        """As RECORD spells it: URL-safe base64 without padding."""
        return f"{self._digest.name}={base64.urlsafe_b64encode(self._digest.digest()).decode().rstrip('=')}"


class _Destination(WheelDestination):
    """Collects what installer writes; paths as an interpreter of the image has its schemes."""

    def __init__(self, python: PythonOf, spool: Spool) -> None:
        self._python, self._spool = python, spool

    def _place(self, scheme: Scheme, path: str) -> str:
        site, scripts = self._python.site, self._python.scripts
        prefix = posixpath.dirname(scripts)
        folders = {"purelib": site, "platlib": site, "scripts": scripts, "data": prefix, "headers": f"{prefix}/include"}
        place = posixpath.normpath(posixpath.join(folders[scheme], path)).lstrip("/")
        if not place.startswith(prefix.lstrip("/") + "/"):
            raise ValueError(f"{path!r} leads out of {prefix}")
        return place

    def write_file(
        self, scheme: Scheme, path: "str | PathLike[str]", stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        """Keep a file; scripts get the image's interpreter in their first line."""
        path = fspath(path)
        if scheme == "scripts":
            if isinstance(stream, Content) and stream.size > MAX_SCRIPT:
                raise ValueError(f"{path}: a script of {stream.size} bytes")
            with fix_shebang(io.BytesIO(stream.read()), self._python.executable) as fixed:
                stream, is_executable = io.BytesIO(fixed.read()), True
        content = stream if isinstance(stream, Content) else _rewound(stream)
        mode = 0o755 if is_executable else 0o644
        self._spool.add(Entry(self._place(scheme, path), "file", mode, content.size), cast(BinaryIO, content))
        return RecordEntry(path, Hash.parse(content.record_hash), content.size)

    def write_script(self, name: str, module: str, attr: str, section: "ScriptSection") -> RecordEntry:
        """Keep the launcher of an entry point."""
        filename, data = Script(name, module, attr, section).generate(self._python.executable, "posix")
        return self.write_file(Scheme("scripts"), filename, io.BytesIO(data), is_executable=True)

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """Write RECORD, sorted, with every path relative to the site folder."""

        def prefix(of: Scheme) -> str | None:
            if of == scheme:
                return None
            folder = posixpath.dirname("/" + self._place(of, "x"))
            return posixpath.relpath(folder, self._python.site) + "/"

        ordered = sorted(records, key=lambda item: (prefix(item[0]) or "", item[1].path))
        with construct_record_file(ordered, prefix) as stream:
            data = stream.read()
        self._spool.add_bytes(self._place(scheme, record_file_path), data)
