"""The JSON of a bundle: OCI descriptors, index and manifests (OCI Image Format Specification 1.1), strictly.

A document is accepted when it has known keys only and is spelt as we spell it, so what is read is what is hashed.
"""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.documents import Document
from reprobuild.ground.errors import InputError
from reprobuild.image.model import Image
from reprobuild.image.oci import MANIFEST_TYPE

ARTIFACT_TYPE: Final = "application/vnd.reprobuild.bundle.v1+json"
INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"
TITLE = "org.opencontainers.image.title"
REF_NAME = "org.opencontainers.image.ref.name"
BUNDLE = "vnd.reprobuild.bundle"
UNPACKED = "vnd.reprobuild.unpacked-size"
DOCKER_MANIFEST = "manifest.json"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'

DOCUMENT = re.compile(
    r"reprobuild\.lock|record\.json|requirements\.txt|conda-lock\.yml|source\.tar|outputs\.tar|log\.txt|guide\.md|numerics\.json"
    r"|data/[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.tar"
)
"""The names that a bundle's documents have."""
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class OciDocument(Document):
    """A document whose absent fields are left out."""

    def to_bytes(self) -> bytes:
        """The one spelling of this value."""
        return canonical_json(self.model_dump(mode="json", exclude_none=True))

    @classmethod
    def from_exact_bytes(cls, data: bytes, subject: str) -> Self:
        """The value that `data` spells exactly as `to_bytes` would."""
        value = cls.from_bytes(data, subject)
        if value.to_bytes() != data:
            raise InputError(f"{subject}: not spelt as reprobuild spells it")
        return value


class Descriptor(OciDocument):
    """A blob by type, digest and size in bytes."""

    mediaType: str
    digest: Digest
    size: int = Field(ge=0)
    annotations: dict[str, str] | None = None

    @property
    def sha256(self) -> str:
        """The digest without its algorithm."""
        return self.digest.removeprefix("sha256:")


class Index(OciDocument):
    """`index.json`: one image, annotated with the digest of the bundle manifest."""

    schemaVersion: Literal[2] = 2
    mediaType: Literal["application/vnd.oci.image.index.v1+json"] = INDEX_TYPE
    manifests: Annotated[tuple[Descriptor, ...], Field(min_length=1, max_length=1)]


class ImageManifest(OciDocument):
    """The image; its layers are tar, compressed in one way."""

    schemaVersion: Literal[2] = 2
    mediaType: Literal["application/vnd.oci.image.manifest.v1+json"] = MANIFEST_TYPE
    config: Descriptor
    layers: Annotated[tuple[Descriptor, ...], Field(min_length=1, max_length=127)]


class ConfigOfImage(OciDocument):
    """The `config` member of an image configuration, as far as we write it."""

    Cmd: tuple[str, ...]
    Env: tuple[str, ...]
    WorkingDir: str


class History(OciDocument):
    """What a layer holds."""

    created: str
    created_by: str


class RootFs(OciDocument):
    """The layers by their uncompressed digests."""

    type: Literal["layers"]
    diff_ids: tuple[Digest, ...]


class ImageConfig(OciDocument):
    """The image configuration, whose digest is the image ID."""

    architecture: Literal["amd64", "arm64"]
    config: ConfigOfImage
    created: str
    history: tuple[History, ...]
    os: Literal["linux"]
    rootfs: RootFs


class BundleManifest(OciDocument):
    """The bundle: its documents as layers, the image as its subject."""

    schemaVersion: Literal[2] = 2
    mediaType: Literal["application/vnd.oci.image.manifest.v1+json"] = MANIFEST_TYPE
    artifactType: Literal["application/vnd.reprobuild.bundle.v1+json"] = ARTIFACT_TYPE
    config: Descriptor
    layers: Annotated[tuple[Descriptor, ...], Field(min_length=1, max_length=1000)]
    subject: Descriptor
    annotations: dict[str, str]


def render_docker_manifest(image: Image) -> bytes:
    """`manifest.json`, by which Docker before 25 finds an image in an archive ("Docker Image Specification v1.2").

    It names no tag, because a project's name may be none; `docker load` prints the image ID.
    """
    layers = [f"blobs/sha256/{layer.sha256}" for layer in image.layers]
    return canonical_json([{"Config": f"blobs/sha256/{image.image_id}", "Layers": layers, "RepoTags": None}])
