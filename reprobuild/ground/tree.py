"""Files and folders by content: one digest for a tree, and a tar of it in one spelling.

A tree's digest is the SHA-256 of canonical JSON: a list of [path, size, SHA-256] sorted by path, `.` being the path of
a tree that is one file. Permissions, times and empty folders do not count.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes, sha256_stream
from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import END, Entry, padding, read_entries, render_header

FILE = "."
"""The path of the only file of a tree that is one file."""


@dataclass(frozen=True)
class TreeDigest:
    """A tree's digest, its size in bytes and how many files it has."""

    sha256: str
    size: int
    files: int


def tree_files(root: Path, subject: str) -> dict[str, Path]:
    """The regular files of a tree by relative path; InputError for links, sockets and the like."""
    if root.is_file():
        return {FILE: root}
    found: dict[str, Path] = {}
    for folder, folders, names in os.walk(root, onerror=refuse_unread(subject)):
        for name in sorted([*folders, *names]):
            path = Path(folder) / name
            mode = path.lstat().st_mode
            relative = check_name(path.relative_to(root).as_posix(), subject)
            if stat.S_ISREG(mode):
                found[relative] = path
            elif not stat.S_ISDIR(mode):
                raise InputError(f"{subject}: {relative}: a tree has regular files only, no links, pipes or devices")
    return dict(sorted(found.items()))


def check_name(path: str, subject: str) -> str:
    """The path itself, when it is UTF-8; a name in another encoding has no one spelling in a digest."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{subject}: {path!r}: a name that is not UTF-8", hint="rename it") from error
    return path


def refuse_unread(subject: str) -> Callable[[OSError], NoReturn]:
    """What `os.walk` shall do with a folder that it cannot list: left alone, it would leave it out."""

    def refuse(error: OSError) -> NoReturn:
        raise InputError(f"{subject}: {error.filename}: {error.strerror}") from error

    return refuse


def digest_tree(root: Path, subject: str) -> TreeDigest:
    """The digest of a file or folder."""
    rows: list[tuple[str, int, str]] = []
    for relative, path in sorted(tree_files(root, subject).items()):
        with open_regular(path, subject) as stream:
            size = os.fstat(stream.fileno()).st_size
            rows.append((relative, size, sha256_stream(stream)))
    return TreeDigest(sha256_bytes(canonical_json(rows)), sum(row[1] for row in rows), len(rows))


def open_regular(path: Path, subject: str) -> BinaryIO:
    """The file opened for reading; InputError when it is a link or no regular file."""
    return _open(path, os.O_NOFOLLOW, f"{subject}: {path.name}")


def open_given(path: Path, subject: str) -> BinaryIO:
    """The file that a user names, perhaps by a link, opened for reading; InputError when it is no regular file."""
    return _open(path, 0, subject)


def _open(path: Path, flags: int, subject: str) -> BinaryIO:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | flags)  # without O_NONBLOCK a pipe would be waited for
    except OSError as error:
        raise InputError(f"{subject}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{subject}: not a regular file")
    return os.fdopen(descriptor, "rb")


def write_tree(target: BinaryIO, files: Iterable[tuple[str, Path]], subject: str) -> None:
    """A tar of files by path; a mode is 0644, or 0755 for what its owner may execute."""
    for relative, path in sorted(files):
        with open_regular(path, subject) as stream:
            status = os.fstat(stream.fileno())
            mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
            target.write(render_header(Entry(relative, "file", mode, status.st_size), 0))
            left = status.st_size
            while left and (chunk := stream.read(min(left, 1 << 20))):
                target.write(chunk)
                left -= len(chunk)
            if left:
                raise InputError(f"{subject}: {relative}: it became shorter while it was read")
            target.write(padding(status.st_size))
    target.write(END)


def read_tree(stream: BinaryIO, subject: str) -> Iterator[tuple[Entry, BinaryIO]]:
    """The files of a tar that `write_tree` wrote, in order; InputError for anything else."""
    last: list[str] = []
    for entry, content in read_entries(stream, subject, 0):
        if entry.kind != "file" or entry.mode not in (0o644, 0o755) or [entry.path] <= last:
            raise InputError(f"{subject}: {entry.path!r}: not a tree that reprobuild wrote")
        last = [check_name(entry.path, subject)]
        yield entry, content


def unpack_tree(stream: BinaryIO, root: Path, subject: str) -> None:
    """Fill the new folder `root` with the files of a tree's tar."""
    root.mkdir(parents=True)
    for entry, content in read_tree(stream, subject):
        with _create(root / entry.path, f"{subject}: {entry.path}") as target:
            while chunk := content.read(1 << 20):
                target.write(chunk)
            os.fchmod(target.fileno(), entry.mode)


def _create(path: Path, subject: str) -> BinaryIO:
    """A new file below a new folder, which holds no links; InputError when an earlier file is in the way."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG):
            raise  # a full disk is not the archive's fault
        raise InputError(f"{subject}: {error.strerror}") from error
