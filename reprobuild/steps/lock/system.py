"""What wheels are installed on, whoever made it."""

from dataclasses import dataclass

from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base
from reprobuild.lock.oci import Origin


@dataclass(frozen=True)
class System:
    """A locked base: its artifacts, the exact version of its Python, and its glibc as (major, minor) if it has one."""

    base: Base
    python: str
    glibc: tuple[int, int] | None
    artifacts: tuple[Artifact, ...]
    origin: Origin | None = None
    notes: tuple[str, ...] = ()
