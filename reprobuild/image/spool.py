"""Collecting the entries of an artifact in any order, and writing them as tar members in the one order."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Self

from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import Entry, check_entry, padding, render_header
from reprobuild.image.model import EPOCH
from reprobuild.image.whiteouts import PREFIX, is_whiteout

IN_MEMORY = 64 << 20
MAX_CONTENT = 32 << 30
"""Bytes that one artifact may unpack to."""
MAX_NAMES = 256 << 20
"""Characters of all paths and links together, which are held in memory; a million files have about 100 million."""


class Spool:
    """Entries by path; contents wait in memory, then in a nameless file of `folder`."""

    def __init__(self, subject: str, folder: str | None = None, *, whiteouts: bool = False) -> None:
        self.subject, self.folder, self._whiteouts = subject, folder, whiteouts
        self.entries: dict[str, Entry] = {}
        self._offsets: dict[str, int] = {}
        self._content = SpooledTemporaryFile(IN_MEMORY, dir=folder)  # noqa: SIM115  # closed by __exit__
        self._end = self._names = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._content.close()

    def add(self, entry: Entry, content: BinaryIO | None = None) -> None:
        """Take an entry and the `entry.size` bytes of its content; a second file of one path is an InputError."""
        check_entry(entry, self.subject)
        if not self._whiteouts and is_whiteout(entry.path):
            raise InputError(f"{self.subject}: {entry.path}: a name by which an image removes files")
        there = self.entries.get(entry.path)
        if there and (there.kind, entry.kind) != ("dir", "dir"):
            raise InputError(f"{self.subject}: {entry.path} is in it twice")
        self._names += len(entry.path) + len(entry.link)
        if self._names > MAX_NAMES:
            raise InputError(f"{self.subject}: its names have more than {MAX_NAMES} characters")
        self.entries[entry.path] = entry
        if content is None:
            return
        if self._end + entry.size > MAX_CONTENT:
            raise InputError(f"{self.subject}: unpacks to more than {MAX_CONTENT} bytes")
        self._offsets[entry.path] = self._end
        self._content.seek(self._end)
        left = entry.size
        while left and (chunk := content.read(min(left, 1 << 20))):
            self._content.write(chunk)
            left -= len(chunk)
        if left:
            raise InputError(f"{self.subject}: {entry.path} ends early")
        self._end += entry.size

    def add_bytes(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Take a small file."""
        from io import BytesIO

        self.add(Entry(path, "file", mode, len(data)), BytesIO(data))

    def read(self, path: str) -> bytes:
        """The content of a file that was taken."""
        self._content.seek(self._offsets[path])
        return self._content.read(self.entries[path].size)

    def open_at(self, path: str) -> BinaryIO:
        """The content's stream, standing at the file's first byte."""
        self._content.seek(self._offsets[path])
        return self._content  # type: ignore[return-value]  # a binary file in all but its declared type

    def write_members(self, target: BinaryIO) -> None:
        """The members, parents before children, sorted by path; without the end of an archive."""
        for entry in self._sorted():
            target.write(render_header(entry, EPOCH))
            if entry.kind == "file":
                self._content.seek(self._offsets[entry.path])
                _copy(self._content, target, entry.size)  # type: ignore[arg-type]  # as above
                target.write(padding(entry.size))

    def _sorted(self) -> Iterator[Entry]:
        known = dict(self.entries)
        for path in self.entries:
            parent = path.rpartition("/")[0]
            while parent and parent not in known:
                known[parent] = Entry(parent, "dir", 0o755)
                parent = parent.rpartition("/")[0]
        # A hard link must follow its target (pax, "typeflag 1"), wherever the target's name sorts.
        order = sorted(known.values(), key=_place)
        yield from (entry for entry in order if entry.kind != "hardlink")
        yield from (entry for entry in order if entry.kind == "hardlink")


def _place(entry: Entry) -> list[tuple[bool, str]]:
    """Where an entry sorts: behind its folder, and behind whiteouts beside it (OCI, layer.md, "Whiteouts")."""
    return [(not part.startswith(PREFIX), part) for part in entry.path.split("/")]


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size:
        chunk = source.read(min(size, 1 << 20))
        target.write(chunk)
        size -= len(chunk)
