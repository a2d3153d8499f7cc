"""Layers to a folder: the root that the sandbox mounts. Layers may come from a stranger's bundle."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import Entry, read_entries
from reprobuild.image.frame import open_unpacked
from reprobuild.image.model import EPOCH, Layer


def unpack_layers(
    layers: Sequence[Layer],
    media_type: str,
    blob: Callable[[str], Path],
    root: Path,
    advance: Callable[[int], object] = lambda _: None,
) -> None:
    """Fill the new folder `root` with the layers, each hiding what is below it.

    No link is followed while writing: a folder on the way to a file must be a real folder. Nothing gets setuid, other
    owners or device nodes, and every time is that of the image, on which the validity of bytecode rests.
    """
    root.mkdir()
    root.chmod(0o755)
    folders: dict[str, int] = {}
    for layer in layers:
        subject = f"layer {layer.sha256[:12]}"
        with open_unpacked(blob(layer.sha256), media_type) as stream:
            for entry, content in read_entries(stream, subject, EPOCH):
                _write(root, entry, content, subject, folders)
                advance(entry.size)
    # Last and deepest first: a folder without write permission can no longer be filled, and filling it sets its time.
    for path in sorted(folders, reverse=True):
        (root / path).chmod(folders[path])
        os.utime(root / path, (EPOCH, EPOCH))
    os.utime(root, (EPOCH, EPOCH))


def _write(root: Path, entry: Entry, content: BinaryIO, subject: str, folders: dict[str, int]) -> None:
    target = root / entry.path
    _require_folder(root, entry.path.rpartition("/")[0], subject, folders)
    if entry.kind == "dir":
        if target.is_symlink() or not target.is_dir():
            target.unlink(missing_ok=True)
            target.mkdir(mode=0o755)
        target.chmod(0o755)
        folders[entry.path] = entry.mode & 0o1777 | 0o500  # the sandbox's user must be able to enter it
        return
    if target.is_dir() and not target.is_symlink():
        raise InputError(f"{subject}: {entry.path} is a folder in a layer below")
    target.unlink(missing_ok=True)
    if entry.kind == "symlink":
        target.symlink_to(entry.link)
    elif entry.kind == "hardlink":
        source = root / entry.link
        _require_folder(root, entry.link.rpartition("/")[0], subject, folders)
        if source.is_symlink() or not source.is_file():
            raise InputError(f"{subject}: {entry.path}: a hard link to {entry.link}, which is no file")
        os.link(source, target, follow_symlinks=False)
    else:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            shutil.copyfileobj(content, stream, 1 << 20)
            os.fchmod(stream.fileno(), entry.mode & 0o777 | 0o400)
    os.utime(target, (EPOCH, EPOCH), follow_symlinks=False)


def _require_folder(root: Path, path: str, subject: str, folders: dict[str, int]) -> None:
    """Every folder on the way is there, made by a layer or made here, and none of them is a link."""
    if not path or path in folders:
        return
    _require_folder(root, path.rpartition("/")[0], subject, folders)
    folder = root / path
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{subject}: {path} is no folder")
    if not folder.exists():
        folder.mkdir(mode=0o755)
    folders.setdefault(path, 0o755)
