"""Writing a bundle: one uncompressed tar that is an OCI image layout, its small documents first."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from reprobuild.bundle.documents import (
    BUNDLE,
    DOCKER_MANIFEST,
    EMPTY,
    EMPTY_TYPE,
    LAYOUT,
    REF_NAME,
    TITLE,
    UNPACKED,
    BundleManifest,
    Descriptor,
    Index,
    render_docker_manifest,
)
from reprobuild.ground.digests import chunks, sha256_bytes, sha256_file
from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import END, Entry, padding, render_header
from reprobuild.ground.whole import replacing
from reprobuild.image.model import Compression, Image
from reprobuild.image.oci import MANIFEST_TYPE


@dataclass(frozen=True)
class Piece:
    """One document of a bundle: its name, media type and file."""

    name: str
    media_type: str
    path: Path


def describe(piece: Piece) -> Descriptor:
    """The descriptor of a document, named by its title."""
    return Descriptor(
        mediaType=piece.media_type,
        digest=f"sha256:{sha256_file(piece.path)}",
        size=piece.path.stat().st_size,
        annotations={TITLE: piece.name},
    )


def write_bundle(
    target: Path,
    name: str,
    image: Image,
    blobs: Mapping[str, Path],
    pieces: Sequence[Piece],
    compression: Compression = "zstd",
) -> str:
    """Write the bundle and return its digest; `blobs` are the image's manifest, config and layers by digest.

    `compression` is that of the layers; tools that know no zstd need a file more to find them.
    The file appears under its name when it is whole.
    """
    described = [(describe(piece), piece.path) for piece in pieces]
    manifest, index = _describe_all(name, image, blobs[image.manifest], [descriptor for descriptor, _ in described])

    def members() -> Iterator[tuple[str, bytes | Path]]:
        yield "oci-layout", LAYOUT
        yield "index.json", index
        yield sha256_bytes(manifest), manifest
        yield image.manifest, blobs[image.manifest]
        yield image.image_id, blobs[image.image_id]
        yield sha256_bytes(EMPTY), EMPTY
        if compression == "gzip":
            yield DOCKER_MANIFEST, render_docker_manifest(image)
        for descriptor, path in described:
            yield descriptor.sha256, path
        for layer in image.layers:
            yield layer.sha256, blobs[layer.sha256]

    try:
        with replacing(target) as temporary, temporary.open("wb") as stream:
            _write_members(stream, members())
            stream.flush()
            os.fsync(stream.fileno())
    except FileNotFoundError as error:
        raise InputError(f"{target}: {error.filename} does not exist") from error
    return sha256_bytes(manifest)


def _describe_all(
    name: str, image: Image, image_manifest: Path, documents: Sequence[Descriptor]
) -> tuple[bytes, bytes]:
    """The bundle manifest, and the index that names it beside the image."""
    subject = Descriptor(mediaType=MANIFEST_TYPE, digest=f"sha256:{image.manifest}", size=image_manifest.stat().st_size)
    manifest = BundleManifest(
        config=Descriptor(mediaType=EMPTY_TYPE, digest=f"sha256:{sha256_bytes(EMPTY)}", size=len(EMPTY)),
        layers=tuple(documents),
        subject=subject,
        annotations={REF_NAME: name, UNPACKED: " ".join(str(layer.unpacked_size) for layer in image.layers)},
    ).to_bytes()
    annotations = {REF_NAME: name, BUNDLE: f"sha256:{sha256_bytes(manifest)}"}
    return manifest, Index(manifests=(subject.model_copy(update={"annotations": annotations}),)).to_bytes()


def _write_members(stream: BinaryIO, members: Iterator[tuple[str, bytes | Path]]) -> None:
    written: set[str] = set()
    for name, content in members:
        if name in written:  # two names for the same bytes are one blob
            continue
        written.add(name)
        path = f"blobs/sha256/{name}" if len(name) == 64 else name
        if isinstance(content, bytes):
            stream.write(render_header(Entry(path, size=len(content)), 0) + content + padding(len(content)))
            continue
        with content.open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            stream.write(render_header(Entry(path, size=size), 0))
            for chunk in chunks(source):
                stream.write(chunk)
            stream.write(padding(size))
    stream.write(END)
