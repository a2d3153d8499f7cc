"""Data sets: what is locked of them, and the tar in which they travel."""

from pathlib import Path
from typing import BinaryIO

from reprobuild.ground.errors import InputError
from reprobuild.ground.tree import FILE, digest_tree, tree_files, write_tree
from reprobuild.lock.index import DataSet
from reprobuild.project.model import DataSource

TRAVELS = 100_000_000
"""Bytes up to which a data set travels in the bundle."""
ONE_FILE, MANY = "file", "tree/"
"""How a data set's tar names a single file, and what it puts before the paths of a folder's files."""


def digest_data(source: DataSource, project: Path) -> DataSet:
    """The data set as the lock has it; InputError when it is missing, empty or holds links."""
    subject = f"data.{source.name}"
    tree = digest_tree(data_root(source, project), subject)
    if not tree.files:
        raise InputError(f"{subject}: {source.path} holds no file")
    return DataSet(
        path=place_in_run(source.name, source.path),
        sha256=tree.sha256,
        size=tree.size,
        files=tree.files,
        licence=source.licence,
        origin=source.origin,
        preprocessing=source.preprocessing,
    )


def data_root(source: DataSource, project: Path) -> Path:
    """Where the data is on this machine; the file or folder named may be a link, what is in it may not."""
    root = project / source.path
    if not root.exists():
        raise InputError(f"data.{source.name}: {source.path} does not exist")
    if root.resolve() == project.resolve():
        raise InputError(f"data.{source.name}: {source.path} is the project itself", hint="name a folder in it")
    return root.resolve()


def place_in_run(name: str, path: str) -> str:
    """Where a run sees the data: at the same relative path when it is inside the project, else at /data/NAME."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    inside = not path.startswith("/") and ".." not in parts
    return "/".join(parts) if inside else f"/data/{name}"


def write_data(target: BinaryIO, root: Path, subject: str) -> None:
    """The data set's tar, in which one file and a folder with one file are not the same."""
    files = tree_files(root, subject)
    write_tree(target, [(ONE_FILE if path == FILE else MANY + path, file) for path, file in files.items()], subject)
