"""Reading a folder for `init`: bounded in files, depth and bytes, and what was not read is told."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from reprobuild.scaffold.folder import MAX_TEXT, Folder, worth_reading
from reprobuild.steps.run.source import LEFT_OUT

MAX_FILES = 20_000
MAX_DEPTH = 8
MAX_TOTAL = 16 << 20
_NEVER = {*LEFT_OUT, "node_modules", "site-packages", ".venv", ".tox", ".nox", ".ipynb_checkpoints", "lockfiles"}
_MARKS = ("pyvenv.cfg", "conda-meta")
"""What only an environment of installed packages has."""


def read_folder(root: Path) -> Folder:
    """The folder as it lies there; links are not followed, and what is too large, too deep or too much is told."""
    notes: list[str] = []
    found: dict[str, int] = {}
    for path, size in _listed(root, notes):
        if len(found) >= MAX_FILES:
            notes.append(f"more than {MAX_FILES} files: the rest was not looked at")
            break
        found[path] = size
    texts: dict[str, str] = {}
    left = MAX_TOTAL
    for path in worth_reading(found):
        text = read_text(root / path, path, notes) if left > 0 else None
        if text is not None:
            texts[path] = text
            left -= len(text)
    if left <= 0:
        notes.append(f"more than {MAX_TOTAL >> 20} MB of text: the rest was not read")
    return Folder(root.resolve().name, dict(sorted(found.items())), texts, tuple(notes))


def _listed(root: Path, notes: list[str]) -> Iterator[tuple[str, int]]:
    """Regular files with their sizes, a folder's own before those of its folders."""
    waiting = [(root, "", 0)] if root.is_dir() else []
    while waiting:
        folder, prefix, depth = waiting.pop(0)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            notes.append(f"{prefix or '.'}: {error.strerror}")
            continue
        if depth and any(entry.name in _MARKS for entry in entries):
            continue
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if not _isread_text(name):
                notes.append(f"{name!r}: a name that is not UTF-8: rename it")
            elif entry.is_file(follow_symlinks=False):
                yield name, entry.stat(follow_symlinks=False).st_size
            elif entry.is_symlink():
                notes.append(f"{name}: a link, not followed")
            elif entry.is_dir(follow_symlinks=False) and entry.name not in _NEVER:
                if depth < MAX_DEPTH:
                    waiting.append((Path(entry.path), f"{name}/", depth + 1))
                else:
                    notes.append(f"{name}: deeper than {MAX_DEPTH} folders")


def _isread_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_text(path: Path, name: str, notes: list[str]) -> str | None:
    """The text of a file, or None with a note."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = stream.read(MAX_TEXT + 1)
        if len(data) > MAX_TEXT:
            notes.append(f"{name}: larger than {MAX_TEXT >> 10} KiB, not read")
            return None
        return data.decode("utf-8-sig")
    except OSError as error:
        notes.append(f"{name}: {error.strerror}")
    except UnicodeDecodeError:
        notes.append(f"{name}: not UTF-8 text, not read")
    return None
