"""Two source trees as their tars hold them: which files differ, and in texts the first line that does."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from reprobuild.ground.tree import open_regular, read_tree
from reprobuild.ledger.compare import NOTHING, Change, change

MAX_TEXT, MAX_TEXTS = 4 << 20, 64 << 20
"""Bytes of a file whose lines are compared, and of all such files; of others it is only said that they differ."""


@dataclass(frozen=True)
class Member:
    """A file of a tree."""

    mode: int
    size: int
    sha256: str


def read_members(tar: Path, subject: str) -> dict[str, Member]:
    """The files of a tree's tar by path; InputError for a tar that is not one."""
    found = {}
    with open_regular(tar, subject) as stream:
        for entry, content in read_tree(stream, subject):
            digest = hashlib.sha256()
            while chunk := content.read(1 << 20):
                digest.update(chunk)
            found[entry.path] = Member(entry.mode, entry.size, digest.hexdigest())
    return found


def read_contents(tar: Path, paths: set[str], subject: str) -> dict[str, bytes]:
    """What some files of a tree's tar hold: small ones, and no more of them than memory is for."""
    found, room = {}, MAX_TEXTS
    with open_regular(tar, subject) as stream:
        for entry, content in read_tree(stream, subject):
            if entry.path in paths and entry.size <= min(MAX_TEXT, room):
                room -= entry.size
                data = b""
                while chunk := content.read(1 << 20):
                    data += chunk
                found[entry.path] = data
    return found


def compare_sources(recorded: Path, seen: Path) -> Iterator[Change]:
    """Every file that is not the same in both trees, by name."""
    sides = [read_members(tar, str(tar)) for tar in (recorded, seen)]
    apart = {path for path in {*sides[0], *sides[1]} if sides[0].get(path) != sides[1].get(path)}
    contents = [read_contents(tar, apart, str(tar)) for tar in (recorded, seen)]
    for path in sorted(apart):
        one, other = sides[0].get(path), sides[1].get(path)
        if one is None or other is None:
            yield change(path, one and f"{one.size} bytes", other and f"{other.size} bytes")
        elif one.sha256 == other.sha256:
            yield change(path, f"{one.mode:o}", f"{other.mode:o}", "permissions")
        else:
            yield _content(path, contents[0].get(path), contents[1].get(path), (one.size, other.size))


def _content(path: str, recorded: bytes | None, seen: bytes | None, sizes: tuple[int, int]) -> Change:
    if recorded is not None and seen is not None:
        try:
            return _first_line(path, recorded.decode(), seen.decode())
        except UnicodeDecodeError:
            pass  # no text: its size is all that is to be said
    return change(path, f"{sizes[0]} bytes", f"{sizes[1]} bytes", "other bytes")


def _first_line(path: str, recorded: str, seen: str) -> Change:
    pairs = zip_longest(recorded.splitlines(keepends=True), seen.splitlines(keepends=True))
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            texts = [NOTHING if line is None else line.strip() or "an empty line" for line in (one, other)]
            if texts[0] == texts[1]:
                texts = [repr(line) for line in (one, other)]  # they differ in white space alone
            return change(path, texts[0], texts[1], f"line {number}")
    raise AssertionError(path)
