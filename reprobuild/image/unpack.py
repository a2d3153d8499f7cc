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
from reprobuild.image.whiteouts import is_whiteout, removed_by


def unpack_layers(
    layers: Sequence[Layer],
    media_type: str,
    blob: Callable[[str], Path],
    root: Path,
    advance: Callable[[int], object] = lambda _: None,
) -> None:
    """Fill the new folder `root` with the layers, each hiding or removing what is below it.

    No link is followed while writing: a folder on the way to a file must be a real folder. Nothing gets setuid, other
    owners or device nodes, and every time is that of the image, on which the validity of bytecode rests.
    """
    root.mkdir()
    root.chmod(0o755)
    folders: dict[str, int] = {}
    for layer in layers:
        subject = f"layer {layer.sha256[:12]}"
        with open_unpacked(blob(layer.sha256), media_type) as stream:
            unpacking = _Layer(root, folders, subject)
            for entry, content in read_entries(stream, subject, EPOCH):
                unpacking.take(entry, content)
                advance(entry.size)
    # Last and deepest first: a folder without write permission can no longer be filled, and filling it sets its time.
    for path in sorted(folders, reverse=True):
        (root / path).chmod(folders[path])
        os.utime(root / path, (EPOCH, EPOCH))
    os.utime(root, (EPOCH, EPOCH))


class _Layer:
    """One layer on its way into `root`; `folders` are the real folders there, with the modes they get at the end."""

    def __init__(self, root: Path, folders: dict[str, int], subject: str) -> None:
        self.root, self.folders, self.subject = root, folders, subject
        self._own: set[str] = set()
        """What this layer has put there, and the folders around it."""

    def take(self, entry: Entry, content: BinaryIO) -> None:
        """Write an entry, or remove what it says."""
        self._require_folder(entry.path.rpartition("/")[0])
        if is_whiteout(entry.path):
            self._remove(entry)
            return
        self._write(entry, content)
        path = entry.path
        while path and path not in self._own:
            self._own.add(path)
            path = path.rpartition("/")[0]

    def _write(self, entry: Entry, content: BinaryIO) -> None:
        target = self.root / entry.path
        if entry.kind == "dir":
            if target.is_symlink() or not target.is_dir():
                target.unlink(missing_ok=True)
                target.mkdir(mode=0o755)
            target.chmod(0o755)
            self.folders[entry.path] = entry.mode & 0o1777 | 0o500  # the sandbox's user must be able to enter it
            return
        if entry.path in self.folders and entry.path in self._own:
            raise InputError(f"{self.subject}: {entry.path} is a folder and something else")
        self._clear(entry.path)
        if entry.kind == "symlink":
            target.symlink_to(entry.link)
        elif entry.kind == "hardlink":
            source = self.root / entry.link
            self._require_folder(entry.link.rpartition("/")[0])
            if source.is_symlink() or not source.is_file():
                raise InputError(f"{self.subject}: {entry.path}: a hard link to {entry.link}, which is no file")
            os.link(source, target, follow_symlinks=False)
        else:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                shutil.copyfileobj(content, stream, 1 << 20)
                os.fchmod(stream.fileno(), entry.mode & 0o777 | 0o400)
        os.utime(target, (EPOCH, EPOCH), follow_symlinks=False)

    def _remove(self, whiteout: Entry) -> None:
        """Remove what lower layers have there; a whiteout is empty, and stands before all that it could hide."""
        if whiteout.kind != "file" or whiteout.size:
            raise InputError(f"{self.subject}: {whiteout.path!r}: a whiteout that is no empty file")
        path, only_inside = removed_by(whiteout.path, self.subject)
        inside = [f"{path}/{name}" if path else name for name in _names(self.root / path)] if only_inside else [path]
        if not self._own.isdisjoint(inside):
            raise InputError(f"{self.subject}: {whiteout.path!r}: it comes after what it would remove")
        for name in inside:
            self._clear(name)

    def _clear(self, path: str) -> None:
        """Remove whatever is there; no link is followed, and no folder that is gone counts as one."""
        target = self.root / path
        if target.is_symlink() or not target.is_dir():
            target.unlink(missing_ok=True)
            return
        for folder, _, _ in os.walk(target):
            self.folders.pop(Path(folder).relative_to(self.root).as_posix(), None)
        shutil.rmtree(target)

    def _require_folder(self, path: str) -> None:
        """Every folder on the way is there, made by a layer or made here, and none of them is a link."""
        if not path or path in self.folders:
            return
        self._require_folder(path.rpartition("/")[0])
        folder = self.root / path
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise InputError(f"{self.subject}: {path} is no folder")
        if not folder.exists():
            folder.mkdir(mode=0o755)
        self.folders.setdefault(path, 0o755)


def _names(folder: Path) -> list[str]:
    return sorted(item.name for item in os.scandir(folder))
