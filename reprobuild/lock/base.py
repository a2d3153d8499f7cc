"""Bases: the definitions under `images/`, which say what a distribution and its Python are; data, no code."""

from typing import Annotated

from pydantic import Field, StringConstraints

from reprobuild.ground.documents import Document

# A base comes from a project or from a stranger's lock, and these become parts of URLs and paths.
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]*$")]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^([0-9A-F]{40}|[0-9A-F]{64})$")]
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^(/\.?[A-Za-z0-9_+-][A-Za-z0-9_.+-]*)+$")]


class Suite(Document):
    """One pocket of an archive and the fingerprints (upper-case hexadecimal) of the keys that may sign it."""

    name: Word
    keys: tuple[Fingerprint, ...] = Field(min_length=1)


class PythonOf(Document):
    """The interpreter of a base."""

    package: Word
    """The Debian package whose version is the interpreter's, e.g. `python3.11`."""
    executable: AbsolutePath
    """Absolute path in the image, e.g. `/usr/bin/python3.11`."""
    site: AbsolutePath
    """Where wheels are installed: absolute path, on that interpreter's `sys.path`."""
    scripts: AbsolutePath
    """Where their scripts go, e.g. `/usr/local/bin`."""


class CudaOf(Document):
    """The CUDA of a base, which comes as wheels: the image shows them as one toolkit under `/usr/local/cuda-X.Y`."""

    major: int = Field(ge=11, le=99)
    requirements: tuple[str, ...] = Field(min_length=1)
    """Locked together with the project's own requirements (PEP 508); what they bring has NVIDIA's runtime in it."""


class Base(Document):
    """What the lock and the image need to know of a base; the lock carries it, so an image needs nothing else."""

    name: Word
    distribution: Word
    architecture: Word
    suites: tuple[Suite, ...]
    """Of its packages; none where its layers are another image's."""
    component: Word
    packages: tuple[Word, ...]
    python: PythonOf
    environment: dict[str, str]
    """Variables of the image's configuration."""
    links: dict[str, tuple[str, ...]]
    """Symbolic links that `update-alternatives` would have made: link, then its targets, the best first."""
    copies: dict[str, str]
    """Files that maintainer scripts copy: absolute path, then the packaged file it is a copy of."""
    files: dict[str, str]
    """Small text files that maintainer scripts would have written: absolute path, then content."""
    explained: dict[str, str]
    """Packages whose maintainer scripts do more, and why an image does not need it."""
    cuda: CudaOf | None = None
