"""One locked file: what it is, never where it is."""

from typing import Literal

from reprobuild.ground.digests import Sha256
from reprobuild.ground.documents import Document


class Artifact(Document):
    """A file by kind, name, version, file name, size and digest, and the name of its source.

    `source` is a suite (`bookworm-security`) for a `.deb` and `pip` (all sources that pip is configured with) for
    a wheel. `path` is the place of a `.deb` below any mirror's root (Debian repository format, field `Filename`);
    it is empty for other kinds. An `oci-layer` is named by its repository, its version is its place among the base's
    layers (`1` is the lowest), its file name its digest, and `source` the registry in the project's own spelling.
    """

    kind: Literal["deb", "wheel", "oci-layer"]
    name: str
    version: str
    filename: str
    size: int
    sha256: Sha256
    source: str
    path: str = ""
