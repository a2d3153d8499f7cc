"""Reading a bundle from a stranger: exactly what the writer writes, or one line that says what is wrong.

`read_front` reads kilobytes. `verify_bundle` reads everything, hashes everything, and hands over nothing before the
last byte was right.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard

from reprobuild.bundle.documents import (
    BUNDLE,
    DOCKER_MANIFEST,
    DOCUMENT,
    EMPTY,
    EMPTY_TYPE,
    LAYOUT,
    REF_NAME,
    TITLE,
    UNPACKED,
    BundleManifest,
    Descriptor,
    ImageConfig,
    ImageManifest,
    Index,
    render_docker_manifest,
)
from reprobuild.ground.digests import chunks, sha256_bytes
from reprobuild.ground.errors import InputError, hinting
from reprobuild.ground.tar import Entry, read_entries
from reprobuild.ground.tree import open_given
from reprobuild.image.frame import open_unpacked
from reprobuild.image.model import MEDIA_TYPES, Image, Layer
from reprobuild.image.oci import CONFIG_TYPE, MANIFEST_TYPE

MAX_DOCUMENT = 4 << 20
MAX_WHOLE = 2 * MAX_DOCUMENT
"""Bytes of a document that does not come first and is held whole."""
MAX_UNPACKED = 256 << 30
"""Bytes that a layer may claim to unpack to."""
HINT = "name a file that reprobuild run or reprobuild bundle wrote; a damaged one has to be copied again"
HELD = "reprobuild: "
SMALL = ("reprobuild.lock", "record.json")
UNPACK_ERRORS = (zstandard.ZstdError, zlib.error, EOFError, OSError)
Members = Iterator[tuple[Entry, BinaryIO]]


@dataclass(frozen=True)
class Front:
    """What the first kilobytes of a bundle say."""

    digest: str
    name: str
    image: Image
    media_type: str
    documents: dict[str, Descriptor]
    small: dict[str, bytes]
    """`reprobuild.lock` and `record.json`."""
    image_documents: tuple[bytes, bytes]
    """The image's manifest and its config."""


def read_front(path: Path, subject: str) -> Front:
    """The documents at the beginning; nothing behind them is read or believed."""
    with open_members(path, subject) as members:
        return _front(members, subject)


@contextmanager
def open_members(path: Path, subject: str) -> Iterator[Members]:
    """The members of a tar that our writer wrote."""
    with hinting(HINT), open_given(path, subject) as stream:
        yield read_entries(stream, subject, 0)


def _front(members: Members, subject: str) -> Front:
    if _take(members, "oci-layout", subject) != LAYOUT:
        raise InputError(f"{subject}: not a bundle: its oci-layout is another's")
    index = Index.from_exact_bytes(_take(members, "index.json", subject), f"{subject}: index.json")
    subject_of = index.manifests[0]
    notes = subject_of.annotations or {}
    digest = notes.get(BUNDLE, "").removeprefix("sha256:")
    if set(notes) != {BUNDLE, REF_NAME} or subject_of.mediaType != MANIFEST_TYPE:
        raise InputError(f"{subject}: index.json: it describes no bundle")
    manifest = BundleManifest.from_exact_bytes(_blob(members, digest, subject), f"{subject}: bundle manifest")
    bare = subject_of.model_copy(update={"annotations": None})
    manifest_bytes = _blob(members, subject_of.sha256, subject)
    image_manifest = ImageManifest.from_exact_bytes(manifest_bytes, f"{subject}: image manifest")
    config_bytes = _blob(members, image_manifest.config.sha256, subject)
    config = ImageConfig.from_exact_bytes(config_bytes, f"{subject}: image config")
    empty = Descriptor(mediaType=EMPTY_TYPE, digest=f"sha256:{sha256_bytes(EMPTY)}", size=len(EMPTY))
    if manifest.subject != bare or manifest.config != empty:
        raise InputError(f"{subject}: bundle manifest: it belongs to another image")
    # The index is hashed by nothing, so the name in it counts only when the bundle manifest has it too.
    if set(manifest.annotations) != {REF_NAME, UNPACKED} or manifest.annotations[REF_NAME] != notes[REF_NAME]:
        raise InputError(f"{subject}: bundle manifest: its annotations are not those of its index")
    _blob(members, empty.sha256, subject)
    image, media_type = _image(subject_of, image_manifest, config, manifest.annotations[UNPACKED], subject)
    if media_type == MEDIA_TYPES["gzip"] and _take(members, DOCKER_MANIFEST, subject) != render_docker_manifest(image):
        raise InputError(f"{subject}: {DOCKER_MANIFEST}: it describes another image")
    documents = _documents(manifest, subject)
    small = {name: _blob(members, documents[name].sha256, subject) for name in list(documents)[:2] if name in SMALL}
    if tuple(small) != SMALL:
        raise InputError(f"{subject}: bundle manifest: {' and '.join(SMALL)} do not come first")
    return Front(digest, notes[REF_NAME], image, media_type, documents, small, (manifest_bytes, config_bytes))


def read_document(path: Path, subject: str, name: str) -> bytes | None:
    """One verified document, None where the bundle has none of that name; what lies behind it is not read."""
    with open_members(path, subject) as members:
        front = _front(members, subject)
        if name not in front.documents:
            return None
        wanted = front.documents[name]
        for entry, content in members:
            if entry.path == f"blobs/sha256/{wanted.sha256}":
                if entry.size != wanted.size or wanted.size > MAX_WHOLE:
                    raise InputError(f"{subject}: {name}: {entry.size} bytes")
                data = content.read()
                if sha256_bytes(data) != wanted.sha256:
                    raise InputError(f"{subject}: {name}: its bytes have another digest: it was changed")
                return data
        raise InputError(f"{subject}: {name} is not where it must be")


def _documents(manifest: BundleManifest, subject: str) -> dict[str, Descriptor]:
    found: dict[str, Descriptor] = {}
    for descriptor in manifest.layers:
        title = (descriptor.annotations or {}).get(TITLE, "")
        if set(descriptor.annotations or {}) != {TITLE} or not DOCUMENT.fullmatch(title) or title in found:
            raise InputError(f"{subject}: bundle manifest: a document without a known name of its own")
        found[title] = descriptor
    return found


def _image(
    descriptor: Descriptor, manifest: ImageManifest, config: ImageConfig, sizes: str, subject: str
) -> tuple[Image, str]:
    types = {layer.mediaType for layer in manifest.layers}
    unpacked = [int(size) for size in sizes.split(" ") if size.isascii() and size.isdigit() and len(size) < 15]
    counts = {len(manifest.layers), len(config.rootfs.diff_ids), len(config.history), len(unpacked)}
    if len(counts) != 1 or len(types) != 1 or not types <= set(MEDIA_TYPES.values()):
        raise InputError(f"{subject}: image: its manifest, its config and its sizes do not agree")
    if manifest.config.mediaType != CONFIG_TYPE or max(unpacked) > MAX_UNPACKED:
        raise InputError(f"{subject}: image: not one that reprobuild makes")
    if any(layer.annotations for layer in manifest.layers) or manifest.config.annotations:
        raise InputError(f"{subject}: image manifest: unknown annotations")
    rows = zip(manifest.layers, config.rootfs.diff_ids, config.history, unpacked, strict=True)
    layers = tuple(
        Layer(
            diff_id=diff_id.removeprefix("sha256:"),
            sha256=layer.sha256,
            size=layer.size,
            unpacked_size=size,
            holds=tuple(history.created_by.removeprefix(HELD).split(", ")),
        )
        for layer, diff_id, history, size in rows
    )
    image = Image(image_id=manifest.config.sha256, manifest=descriptor.sha256, layers=layers)
    return image, types.pop()


def _take(members: Members, path: str, subject: str) -> bytes:
    entry, content = next(members, (None, None))
    if entry is None or content is None or (entry.path, entry.kind, entry.mode) != (path, "file", 0o644):
        raise InputError(f"{subject}: not a bundle: {path} is not where it must be")
    if entry.size > MAX_DOCUMENT * (16 if path.startswith("blobs") else 1):
        raise InputError(f"{subject}: {path}: {entry.size} bytes")
    return content.read()


def _blob(members: Members, sha256: str, subject: str) -> bytes:
    data = _take(members, f"blobs/sha256/{sha256}", subject)
    if sha256_bytes(data) != sha256:
        raise InputError(f"{subject}: blob {sha256[:12]}: its bytes have another digest: it was changed")
    return data


def verify_bundle(
    path: Path, subject: str, folder: Path, advance: Callable[[int], object] = lambda _: None
) -> tuple[Front, dict[str, Path]]:
    """Everything in a bundle, verified to the last byte, as files by digest in the new `folder`."""
    folder.mkdir(parents=True)
    with open_members(path, subject) as members:
        front = _front(members, subject)
        layers = {layer.sha256: layer.size for layer in front.image.layers}
        wanted = {item.sha256: item.size for item in front.documents.values()} | layers
        done = {sha256_bytes(data): data for data in front.small.values()}
        files: dict[str, Path] = {}
        for sha256, data in done.items():
            files[sha256] = folder / sha256
            files[sha256].write_bytes(data)
            if wanted[sha256] != len(data):
                raise InputError(f"{subject}: blob {sha256[:12]}: another size than described")
        for sha256, size in wanted.items():
            if sha256 not in files:
                files[sha256] = _spool(members, sha256, size, folder, subject, advance)
        if next(members, None) is not None:
            raise InputError(f"{subject}: it holds something that nothing in it describes")
    with hinting(HINT):
        for layer in front.image.layers:
            check_layer(files[layer.sha256], layer, front.media_type, subject)
    return front, files


def _spool(
    members: Members, sha256: str, size: int, folder: Path, subject: str, advance: Callable[[int], object]
) -> Path:
    entry, content = next(members, (None, None))
    expected = Entry(f"blobs/sha256/{sha256}", "file", 0o644, size)
    if entry != expected or content is None:
        raise InputError(f"{subject}: blob {sha256[:12]} is not where it must be")
    digest = hashlib.sha256()
    with (folder / sha256).open("wb") as target:
        for chunk in chunks(content):
            target.write(chunk)
            digest.update(chunk)
            advance(len(chunk))
    if digest.hexdigest() != sha256:
        raise InputError(f"{subject}: blob {sha256[:12]}: its bytes have another digest: it was changed")
    return folder / sha256


def check_layer(path: Path, layer: Layer, media_type: str, subject: str) -> None:
    """InputError unless a layer's blob unpacks to exactly what the image says, and to no byte more."""
    digest, size = hashlib.sha256(), 0
    try:
        with open_unpacked(path, media_type) as stream:
            for chunk in chunks(stream):
                size += len(chunk)
                if size > layer.unpacked_size:
                    raise InputError(f"{subject}: layer {layer.sha256[:12]}: unpacks to more than it says")
                digest.update(chunk)
    except UNPACK_ERRORS as error:
        raise InputError(f"{subject}: layer {layer.sha256[:12]}: {error}") from error
    if digest.hexdigest() != layer.diff_id or size != layer.unpacked_size:
        raise InputError(f"{subject}: layer {layer.sha256[:12]}: unpacks to something else than the image says")
