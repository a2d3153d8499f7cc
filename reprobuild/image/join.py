"""The frames of several artifacts to one archive, in which no path is twice: engines refuse a layer that repeats one.

Docker and Podman take a layer apart with tar-split, which holds it for broken (ErrDuplicatePath,
https://github.com/vbatts/tar-split/blob/master/tar/storage/packer.go), though each folder is in many packages.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import BinaryIO

from reprobuild.ground.digests import CHUNK
from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import END, Entry, padding, read_entries, render_header
from reprobuild.image.frame import Facts, Hashing, compressor
from reprobuild.image.model import EPOCH


def join_entries(joined: Callable[[], AbstractContextManager[BinaryIO]], target: BinaryIO, subject: str) -> Facts:
    """Write the archive that `joined` opens, compressed; a folder stands where it came first, all else where last."""
    with joined() as stream:
        places = _places(stream, subject)
    with joined() as stream, compressor(target) as packed:
        written = Hashing(packed)
        for number, (entry, content) in enumerate(read_entries(stream, subject, EPOCH)):
            if places[entry.path][0] == number:
                _copy(entry, content, written)
        written.write(END)
    return Facts(unpacked_size=written.size, diff_id=written.digest.hexdigest())


def _places(stream: BinaryIO, subject: str) -> dict[str, tuple[int, bool]]:
    """Which entry of a path stays, by number, and whether it is a folder."""
    places: dict[str, tuple[int, bool]] = {}
    for number, (entry, _) in enumerate(read_entries(stream, subject, EPOCH)):
        folder = entry.kind == "dir"
        before = places.setdefault(entry.path, (number, folder))
        if before[1] != folder:
            raise InputError(f"{subject}: {entry.path}: a folder in one package, and none in another")
        if not folder:
            places[entry.path] = number, False
    return places


def _copy(entry: Entry, content: BinaryIO, target: Hashing) -> None:
    target.write(render_header(entry, EPOCH))
    while chunk := content.read(CHUNK):
        target.write(chunk)
    target.write(padding(entry.size))
