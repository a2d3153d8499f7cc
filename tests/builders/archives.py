"""Bundles taken apart and put together again, so that one thing in them can be wrong and everything else right."""

import hashlib
import json
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.tar import END, Entry, padding, render_header

Member = tuple[str, bytes]
BLOBS = "blobs/sha256/"


def take_apart(bundle: Path) -> list[Member]:
    """The members in their order."""
    with tarfile.open(bundle) as archive:
        found = []
        for member in archive:
            stream = archive.extractfile(member)
            assert stream
            found.append((member.name, stream.read()))
        return found


def put_together(members: list[Member]) -> bytes:
    """An archive of these members, spelt as ours are."""
    raw = BytesIO()
    for name, body in members:
        raw.write(render_header(Entry(name, size=len(body)), 0) + body + padding(len(body)))
    return raw.getvalue() + END


def blob(body: bytes) -> Member:
    """A member named by its digest."""
    return BLOBS + hashlib.sha256(body).hexdigest(), body


def describe(member: Member, like: dict[str, Any]) -> dict[str, Any]:
    """A descriptor of a blob, everything else as in `like`."""
    return {**like, "digest": f"sha256:{member[0].removeprefix(BLOBS)}", "size": len(member[1])}


class Loose:
    """A bundle as values that may be changed; `bytes` makes all digests agree again."""

    def __init__(self, bundle: Path) -> None:
        members = take_apart(bundle)
        self.layout = members[0][1]
        self.index: Any = json.loads(members[1][1])
        self.bundle: Any = json.loads(members[2][1])
        self.manifest: Any = json.loads(members[3][1])
        self.config: Any = json.loads(members[4][1])
        self.empty = members[5]
        self.documents = members[6:]
        self.order: Callable[[list[Member]], list[Member]] = list

    def replace_document(self, title: str, body: bytes) -> None:
        """Another content of one document, described truly."""
        new = blob(body)
        for position, descriptor in enumerate(self.bundle["layers"]):
            if descriptor["annotations"]["org.opencontainers.image.title"] == title:
                old = BLOBS + descriptor["digest"].removeprefix("sha256:")
                self.bundle["layers"][position] = describe(new, descriptor)
                self.documents = [new if member[0] == old else member for member in self.documents]

    def replace_layer(self, body: bytes, **config: Any) -> None:
        """Another first layer, described truly in the manifest."""
        old = BLOBS + self.manifest["layers"][0]["digest"].removeprefix("sha256:")
        self.manifest["layers"][0] = describe(blob(body), self.manifest["layers"][0])
        self.documents = [blob(body) if member[0] == old else member for member in self.documents]
        self.config.update(config)

    def to_bytes(self) -> bytes:
        """The archive, with every digest as it must be for what it holds now."""
        config = blob(canonical_json(self.config))
        self.manifest["config"] = describe(config, self.manifest["config"])
        manifest = blob(canonical_json(self.manifest))
        self.bundle["subject"] = describe(manifest, self.bundle["subject"])
        bundle = blob(canonical_json(self.bundle))
        entry = describe(manifest, self.index["manifests"][0])
        if "vnd.reprobuild.bundle" in (entry.get("annotations") or {}):
            entry["annotations"]["vnd.reprobuild.bundle"] = f"sha256:{bundle[0].removeprefix(BLOBS)}"
        self.index["manifests"][0] = entry
        front = [("oci-layout", self.layout), ("index.json", canonical_json(self.index))]
        return put_together(self.order([*front, bundle, manifest, config, self.empty, *self.documents]))
