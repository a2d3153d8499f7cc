"""Images as registries keep them, made here: layers with owners, times and whiteouts, in any packing and family."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import zstandard
from builders.debian_archive import TIME, Content, Folder, describe

Packing = Literal["gzip", "zstd", "plain"]
Family = Literal["oci", "docker"]
TYPES = {
    "oci": {
        "index": "application/vnd.oci.image.index.v1+json",
        "manifest": "application/vnd.oci.image.manifest.v1+json",
        "config": "application/vnd.oci.image.config.v1+json",
        "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
        "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
        "plain": "application/vnd.oci.image.layer.v1.tar",
    },
    "docker": {
        "index": "application/vnd.docker.distribution.manifest.list.v2+json",
        "manifest": "application/vnd.docker.distribution.manifest.v2+json",
        "config": "application/vnd.docker.container.image.v1+json",
        "gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "zstd": "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "plain": "application/vnd.docker.image.rootfs.diff.tar",
    },
}
PYTHON: Mapping[str, Content] = {
    "usr/local/bin/python3.11": b"\x7fELF" + b"\0" + b"3.11.4\0",
    "usr/local/bin/python3": "a link in all but kind",
    "usr/local/lib/python3.11/os.py": "# the standard library\n",
    "usr/lib/x86_64-linux-gnu/libc.so.6": b"\x7fELF\0GNU C Library (Test) stable release version 2.36.\n\0",
}
"""What is looked at to find a Python, without one."""


def digest(data: bytes) -> str:
    """As registries spell it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer(members: Mapping[str, Content], *, form: int = tarfile.PAX_FORMAT, user: int = 1000) -> bytes:
    """A tar in the order of `members`, owned by somebody, at some time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for path, value in members.items():
            member = tarfile.TarInfo(path)
            member.mtime, member.uid, member.gid, member.uname = TIME, user, user, "somebody"
            body = describe(member, value)
            if form == tarfile.PAX_FORMAT and member.isreg():  # others take no attributes of users (xattr(7))
                member.pax_headers = {"SCHILY.xattr.user.test": "x"}
            if member.islnk():
                member.linkname = member.linkname.removeprefix("./")
            archive.addfile(member, None if isinstance(value, Folder) else io.BytesIO(body))
    return buffer.getvalue()


def pack(data: bytes, packing: Packing) -> bytes:
    """The same bytes for the same layer."""
    if packing == "gzip":
        return gzip.compress(data, mtime=0)
    return zstandard.ZstdCompressor(level=3).compress(data) if packing == "zstd" else data


@dataclass(frozen=True)
class Descriptor:
    """One blob or manifest of an image."""

    media: str
    data: bytes
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As manifests describe it."""
        return {"mediaType": self.media, "digest": digest(self.data), "size": len(self.data), **self.more}


@dataclass(frozen=True)
class OciImage:
    """A manifest and its blobs, the configuration first."""

    media: str
    manifest: bytes
    blobs: tuple[bytes, ...]


def make_image(
    layers: Sequence[bytes],
    *,
    family: Family = "oci",
    packing: Packing = "gzip",
    architecture: str = "amd64",
    environment: Sequence[str] = ("PATH=/usr/local/bin:/usr/bin:/bin",),
    **changes: Any,
) -> OciImage:
    """An image of these tars; `changes` replaces members of its manifest."""
    types = TYPES[family]
    config = {
        "architecture": architecture,
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {"Env": list(environment), "Cmd": ["python3"], "User": "1000"},
        "rootfs": {"type": "layers", "diff_ids": [digest(data) for data in layers]},
        "history": [],
    }
    parts = [Descriptor(types["config"], json.dumps(config).encode())]
    parts += [Descriptor(types[packing], pack(data, packing)) for data in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": types["manifest"],
        "config": parts[0].to_json(),
        "layers": [part.to_json() for part in parts[1:]],
        **changes,
    }
    return OciImage(types["manifest"], json.dumps(manifest).encode(), tuple(part.data for part in parts))


def make_index(images: Mapping[str, OciImage], family: Family = "oci") -> bytes:
    """An index of images by `os/architecture`."""
    described = []
    for name, image in images.items():
        system, _, architecture = name.partition("/")
        platform = {"platform": {"os": system, "architecture": architecture}}
        described.append(Descriptor(image.media, image.manifest, platform).to_json())
    return json.dumps({"schemaVersion": 2, "mediaType": TYPES[family]["index"], "manifests": described}).encode()
