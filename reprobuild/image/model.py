"""An image as the store keeps it: its ID, its manifest and its layers."""

from typing import Literal

from pydantic import Field

from reprobuild.ground.digests import Sha256
from reprobuild.ground.documents import Document
from reprobuild.hardware.needs import Needs

TRANSFORM_VERSION = 2
"""Changes, with a line in the CHANGELOG, whenever a layer's bytes would."""
NOTE_VERSION = 2
"""Changes whenever a note would tell something else of the same artifact."""
EPOCH = 315532800
"""1980-01-01T00:00:00Z in seconds: the time of everything in an image, and the earliest that a zip can hold."""
MAX_LAYERS = 100
"""Engines stop near 127 (overlayfs takes that many lower folders in one mount)."""
Compression = Literal["zstd", "gzip"]
MEDIA_TYPES: dict[Compression, str] = {
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
}


class Layer(Document):
    """One layer: digests uncompressed (`diff_id`) and compressed (`sha256`), both sizes in bytes."""

    diff_id: Sha256
    sha256: Sha256
    size: int = Field(ge=0)
    unpacked_size: int = Field(ge=0)
    holds: tuple[str, ...]
    """`name version` of each artifact."""


class ScriptNote(Document):
    """A maintainer script that would have done more than the image has."""

    package: str
    script: str
    line: str


class Image(Document):
    """An OCI image whose blobs are in the store."""

    format: Literal["reprobuild.image/1"] = "reprobuild.image/1"
    image_id: Sha256
    """Digest of the config."""
    manifest: Sha256
    layers: tuple[Layer, ...]
    notes: tuple[ScriptNote, ...] = ()
    needs: Needs = Needs()
