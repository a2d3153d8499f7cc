"""Bases: the definitions under `images/`, which say what a distribution and its Python are; data, no code."""

from reprobuild.ground.documents import Document


class Suite(Document):
    """One pocket of an archive and the fingerprints (upper-case hexadecimal) of the keys that may sign it."""

    name: str
    keys: tuple[str, ...]


class PythonOf(Document):
    """The interpreter of a base."""

    package: str
    """The Debian package whose version is the interpreter's, e.g. `python3.11`."""
    executable: str
    """Absolute path in the image, e.g. `/usr/bin/python3.11`."""
    site: str
    """Where wheels are installed: absolute path, on that interpreter's `sys.path`."""
    scripts: str
    """Where their scripts go, e.g. `/usr/local/bin`."""


class Base(Document):
    """What the lock and the image need to know of a base; the lock carries it, so an image needs nothing else."""

    name: str
    distribution: str
    architecture: str
    suites: tuple[Suite, ...]
    component: str
    packages: tuple[str, ...]
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
