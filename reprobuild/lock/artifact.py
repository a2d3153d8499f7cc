"""One locked file: what it is, never where it is."""

import re
from typing import Literal, Self

from pydantic import model_validator

from reprobuild.ground.digests import Sha256
from reprobuild.ground.documents import Document

CHANNEL = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,4}"
"""The name of a conda channel, perhaps with a label (`conda-forge/label/dev`)."""
CONDA_PATH = r"(linux-64|noarch)/[A-Za-z0-9_][A-Za-z0-9_.+!-]{0,240}\.(conda|tar\.bz2)"
"""The place of a conda package in its channel: for the image's platform or for any."""


class Artifact(Document):
    """A file by kind, name, version, file name, size and digest, and the name of its source.

    `source` is a suite (`bookworm-security`) for a `.deb`, `pip` (all sources that pip is configured with) for a
    wheel, and a channel for a conda package. `path` is the place of a `.deb` below any mirror's root (Debian repository
    format, field `Filename`), and of a conda package in its channel; it is empty for other kinds. An `oci-layer` is
    named by its repository, its version is its place among the base's layers (`1` is the lowest), its file name its
    digest, and `source` the registry in the project's own spelling.
    """

    kind: Literal["deb", "wheel", "conda", "oci-layer"]
    name: str
    version: str
    filename: str
    size: int
    sha256: Sha256
    source: str
    path: str = ""

    @model_validator(mode="after")
    def _conda_package(self) -> Self:
        """A conda package's names become parts of URLs and of paths in the image."""
        if self.kind == "conda" and not (
            re.fullmatch(CONDA_PATH, self.path)
            and self.filename == self.path.partition("/")[2]
            and re.fullmatch(CHANNEL, self.source)
        ):
            raise ValueError(f"{self.filename}: not a package of a conda channel")
        return self
