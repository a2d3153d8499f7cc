"""Manifests, indexes and configurations as registries send them, read no further than a base needs.

Both families are known: OCI's (OCI Image Format Specification 1.1, image-index.md, manifest.md, config.md) and Docker's
older "Image Manifest V 2, Schema 2", which differs in its media types alone. Unknown fields are ignored, as both ask.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.errors import InputError
from reprobuild.lock.oci import MAX_BASE_LAYERS, PLATFORM

MAX_DOCUMENT = 4 << 20
"""Bytes of a manifest that every registry must take (OCI Distribution Specification 1.1, "Pushing Manifests")."""
MAX_LAYER = 32 << 30
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
LAYERS = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.")
"""What layers' media types begin with; what compression they have, their bytes tell."""


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Blob(_Sent):
    """A blob by digest and size in bytes."""

    media: str = Field(alias="mediaType", default="")
    digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
    size: int = Field(ge=0, le=MAX_LAYER)

    @property
    def sha256(self) -> str:
        """The digest without its algorithm."""
        return self.digest.removeprefix("sha256:")


class Platform(_Sent):
    """What a manifest of an index is for."""

    architecture: str
    os: str
    variant: str = ""


class Choice(_Sent):
    """One manifest of an index; only the chosen one need be right."""

    digest: str
    size: int
    platform: Platform | None = None


class Manifest(_Sent):
    """One image: its configuration and its layers, the lowest first."""

    config: Blob
    layers: tuple[Blob, ...] = Field(min_length=1)


class _Index(_Sent):
    manifests: tuple[Choice, ...]


class Running(_Sent):
    """How a container of the image is run, as far as a training is."""

    env: tuple[str, ...] | None = Field(alias="Env", default=None)


class Configuration(_Sent):
    """What the image says of itself."""

    architecture: str
    os: str
    config: Running | None = None


Document = TypeVar("Document", bound=_Sent)


def kind_of(data: bytes, sent_as: str, subject: str) -> str:
    """`index` or `manifest`; InputError for what is neither, and for bytes that call themselves something else."""
    value = parse_json(data, subject, max_size=MAX_DOCUMENT)
    said = value.get("mediaType") if isinstance(value, dict) else None
    if isinstance(value, dict) and (value.get("schemaVersion") == 1 or "docker.distribution.manifest.v1" in sent_as):
        raise InputError(
            f"{subject}: a manifest of schema 1, which has no digests of its files",
            hint="push the image again with a program of this decade",
        )
    if isinstance(said, str) and sent_as and said != sent_as:
        raise InputError(f"{subject}: it came as {sent_as[:80]} and calls itself {said[:80]}")
    media = said or sent_as
    for kind, known in (("index", INDEXES), ("manifest", MANIFESTS)):
        if media in known:
            return kind
    raise InputError(f"{subject}: {str(media)[:80] or 'no media type'}: not an image", hint="name the tag of an image")


def choose_manifest(data: bytes, subject: str) -> str:
    """The digest (hexadecimal) of an index's manifest for the platform; InputError says which ones there are."""
    index = _parse(_Index, data, subject)
    there: dict[str, str] = {}
    for choice in index.manifests:
        if choice.platform is not None:
            there.setdefault(f"{choice.platform.os}/{choice.platform.architecture}", choice.digest)
    found = there.get(PLATFORM)
    if found is None:
        names = ", ".join(sorted(name for name in there if "unknown" not in name)) or "nothing that says what it is for"
        raise InputError(f"{subject}: no image for {PLATFORM}; there is {names[:200]}", hint="name another tag")
    return _checked(found, subject)


def parse_manifest(data: bytes, subject: str) -> Manifest:
    """One image's manifest; InputError where it is no image of layers that can be had from the registry."""
    manifest = _parse(Manifest, data, subject)
    for blob in manifest.layers:
        if not blob.media.startswith(LAYERS) or ".foreign." in blob.media or "nondistributable" in blob.media:
            raise InputError(f"{subject}: a layer of type {blob.media[:80]}, which no registry hands out")
    if len(manifest.layers) > MAX_BASE_LAYERS:
        raise InputError(
            f"{subject}: {len(manifest.layers)} layers, a base may have {MAX_BASE_LAYERS}",
            hint="squash it: podman build --squash-all",
        )
    if manifest.config.size > MAX_DOCUMENT:
        raise InputError(f"{subject}: a configuration of {manifest.config.size} bytes")
    return manifest


def parse_configuration(data: bytes, subject: str) -> Mapping[str, str]:
    """The variables of an image for the platform."""
    parse_json(data, subject, max_size=MAX_DOCUMENT)
    seen = _parse(Configuration, data, subject)
    if f"{seen.os}/{seen.architecture}" != PLATFORM:
        raise InputError(f"{subject}: an image for {seen.os[:40]}/{seen.architecture[:40]}, not for {PLATFORM}")
    found: dict[str, str] = {}
    for entry in (seen.config and seen.config.env) or ():
        name, _, value = entry.partition("=")
        if not name or "\0" in entry:
            raise InputError(f"{subject}: Env: {entry[:80]!r}: no variable")
        found[name] = value
    return found


def _checked(digest: str, subject: str) -> str:
    return _parse_value(Blob, {"digest": digest, "size": 0}, subject).sha256


def _parse(kind: type[Document], data: bytes, subject: str) -> Document:
    return _parse_value(kind, data, subject)


def _parse_value(kind: type[Document], value: "bytes | dict[str, Any]", subject: str) -> Document:
    try:
        return kind.model_validate_json(value) if isinstance(value, bytes) else kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{subject}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
