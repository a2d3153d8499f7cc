"""One artifact as compressed tar members: made once per machine, shared by every image that has the artifact."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from reprobuild.ground.digests import CHUNK, Sha256, sha256_bytes
from reprobuild.ground.documents import Document
from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import END
from reprobuild.image.conda import read_conda
from reprobuild.image.deb import read_deb
from reprobuild.image.model import NOTE_VERSION, TRANSFORM_VERSION
from reprobuild.image.note import Note
from reprobuild.image.oci_layer import read_layer
from reprobuild.image.spool import Spool
from reprobuild.image.wheel import read_wheel
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base

LEVEL = 2
"""Of zstd: a third less time than 3 for 7% more bytes, on the wheels of `benchmarks/requirements.in`."""
FRAME, NOTE, FACTS = "frame.zst", "note.json", "facts.json"


class Facts(Document):
    """Of one frame: the bytes it unpacks to, and the `diff_id` of a layer that holds it alone."""

    unpacked_size: int
    diff_id: Sha256


def frame_key(artifact: Artifact, base: Base) -> str:
    """What a frame's bytes depend on, as one digest."""
    python = base.python.model_dump_json() if artifact.kind in ("wheel", "conda") else ""
    name = f" {artifact.source} {artifact.path} {artifact.size}" if artifact.kind == "conda" else ""
    return sha256_bytes(
        f"{TRANSFORM_VERSION} {NOTE_VERSION} {artifact.kind} {artifact.sha256} {LEVEL} {python}{name}".encode()
    )


def make_frame(artifact: Artifact, blob: Path, base: Base, folder: Path) -> None:
    """Fill the new `folder` with an artifact's frame, its note and its facts."""
    folder.mkdir()
    with Spool(artifact.filename, str(folder), whiteouts=artifact.kind == "oci-layer") as spool:
        if artifact.kind == "deb":
            note = read_deb(blob, artifact.filename, spool)
        elif artifact.kind == "oci-layer":
            note = read_layer(blob, f"{artifact.name}, layer {artifact.version}", spool)
        elif artifact.kind == "conda":
            note = read_conda(blob, artifact, base.python, spool)
        else:
            note = read_wheel(blob, artifact.filename, base.python, spool)
        facts = write_frame(spool, folder / FRAME)
    (folder / NOTE).write_bytes(note.model_dump_json().encode())
    (folder / FACTS).write_bytes(facts.to_bytes())


def write_frame(spool: Spool, path: Path) -> Facts:
    """Write what `spool` holds as one zstd frame."""
    with path.open("wb") as target, compressor(target) as packed:
        counting = Hashing(packed)
        spool.write_members(cast(BinaryIO, counting))
    counting.digest.update(END)
    return Facts(unpacked_size=counting.size, diff_id=counting.digest.hexdigest())


@contextmanager
def compressor(target: BinaryIO) -> Iterator[BinaryIO]:
    """A writer that compresses into `target` and leaves it open; the bytes depend on nothing but what is written."""
    context = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False, write_content_size=False)
    with context.stream_writer(target, closefd=False) as writer:
        yield cast(BinaryIO, writer)


def end_frame() -> bytes:
    """The frame that ends every layer's archive."""
    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=False, write_content_size=False).compress(END)


@contextmanager
def open_unpacked(path: Path, media_type: str) -> Iterator[BinaryIO]:
    """A layer blob's uncompressed stream; InputError in reading when it is no whole stream."""
    import gzip

    with path.open("rb") as stream:
        if media_type.endswith("+gzip"):
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield cast(BinaryIO, unpacked)
        else:
            reader = zstandard.ZstdDecompressor().stream_reader(stream, read_size=CHUNK, read_across_frames=True)
            yield cast(BinaryIO, reader)


def read_note(folder: Path) -> Note:
    """The note of a finished frame; our own file, so its fields are trusted."""
    try:
        return Note.model_validate_json((folder / NOTE).read_bytes())
    except ValueError as error:
        raise InputError(f"{folder / NOTE}: broken", hint=f"remove {folder}") from error


class Hashing:
    """A writer that hashes and counts what passes."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Pass on, and remember."""
        self.digest.update(data)
        self.size += len(data)
        return self._target.write(data)
