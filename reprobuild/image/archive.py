"""An image as one stream for engines: an OCI image layout that is a Docker archive too, its layers uncompressed.

Every engine reads one of the two, and no engine needs to know the layers' compression (Docker before 23 knows no zstd).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from reprobuild.ground.canonical import canonical_json, parse_json
from reprobuild.ground.digests import chunks, sha256_bytes
from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import END, Entry, padding, render_header
from reprobuild.image.frame import open_unpacked
from reprobuild.image.model import Image, Layer
from reprobuild.image.oci import MANIFEST_TYPE, read_layer_type

UNCOMPRESSED = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Archive:
    """What is sent of an image; `manifest` is its digest there, where layers are uncompressed."""

    image: Image
    config: Mapping[str, JsonValue]
    manifest: str
    size: int
    """About the bytes of the stream: those of the layers."""
    chunks: Callable[[], Iterator[bytes]]
    """The stream; InputError in reading when a layer is not what the image says."""


def describe_archive(image: Image, blob: Callable[[str], Path]) -> Archive:
    """The archive of an image whose blobs are in the store."""
    stored = blob(image.manifest).read_bytes()
    manifest = canonical_json({**parse_json(stored, "image manifest"), "layers": [*map(_describe, image.layers)]})
    config = blob(image.image_id).read_bytes()
    media_type = read_layer_type(stored)

    def stream() -> Iterator[bytes]:
        yield from _documents(image, manifest, config)
        sent: set[str] = set()
        for layer in image.layers:
            if layer.diff_id not in sent:
                sent.add(layer.diff_id)
                yield from _layer(layer, blob(layer.sha256), media_type)
        yield END

    size = sum(layer.unpacked_size for layer in image.layers)
    return Archive(image, parse_json(config, "image config"), sha256_bytes(manifest), size, stream)


def _describe(layer: Layer) -> dict[str, JsonValue]:
    return {"mediaType": UNCOMPRESSED, "digest": f"sha256:{layer.diff_id}", "size": layer.unpacked_size}


def _documents(image: Image, manifest: bytes, config: bytes) -> Iterator[bytes]:
    descriptor = {"mediaType": MANIFEST_TYPE, "digest": f"sha256:{sha256_bytes(manifest)}", "size": len(manifest)}
    layers = [_place(layer.diff_id) for layer in image.layers]
    # Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format": `manifest.json`.
    docker = [{"Config": _place(image.image_id), "Layers": layers, "RepoTags": None}]
    yield from _file("oci-layout", canonical_json({"imageLayoutVersion": "1.0.0"}))
    yield from _file("index.json", canonical_json({"schemaVersion": 2, "manifests": [descriptor]}))
    yield from _file("manifest.json", canonical_json(docker))
    yield from _file(_place(sha256_bytes(manifest)), manifest)
    yield from _file(_place(image.image_id), config)


def _place(sha256: str) -> str:
    return f"blobs/sha256/{sha256}"


def _file(path: str, data: bytes) -> Iterator[bytes]:
    yield render_header(Entry(path, size=len(data)), 0) + data + padding(len(data))


def _layer(layer: Layer, path: Path, media_type: str) -> Iterator[bytes]:
    yield render_header(Entry(_place(layer.diff_id), size=layer.unpacked_size), 0)
    left = layer.unpacked_size
    with open_unpacked(path, media_type) as stream:
        for chunk in chunks(stream):
            left -= len(chunk)
            if left < 0:
                break
            yield chunk
    if left:
        raise InputError(f"layer {layer.sha256[:12]}: it does not unpack to {layer.unpacked_size} bytes")
    yield padding(layer.unpacked_size)
