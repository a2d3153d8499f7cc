"""`lock`: what a project wants, resolved to the last byte; and whether a lock still belongs to its project."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError
from reprobuild.image.model import TRANSFORM_VERSION
from reprobuild.lock.bases import read_base
from reprobuild.lock.data import data_set
from reprobuild.lock.index import DataSet, LockIndex
from reprobuild.lock.python.target import Target
from reprobuild.project.model import Project
from reprobuild.steps.lock_debian import lock_debian
from reprobuild.steps.lock_python import lock_python, requirement_inputs
from reprobuild.steps.world import World
from reprobuild.tools.progress import Progress, Silent

INDEX = "reprobuild.lock"
REQUIREMENTS = "requirements.txt"


@dataclass(frozen=True)
class Locked:
    """A lock as written, its digest, and what the reader should know."""

    index: LockIndex
    sha256: str
    notes: tuple[str, ...]


def utc_now() -> datetime:
    """The time now, against which an archive's `Valid-Until` is held."""
    return datetime.now(UTC)


def lock_project(
    project: Project, world: World, *, progress: Progress | None = None, now: Callable[[], datetime] = utc_now
) -> Locked:
    """Resolve everything and write `lockfiles/`; on any error the old lock stays as it was."""
    progress = progress or Silent()
    base, keys = read_base(project.base, project.root)
    inputs = collect_inputs(project)
    debian = lock_debian(base, keys, project.debian, world, now=now(), progress=progress)
    python = lock_python(project, Target.of(debian), world, progress=progress)
    index = LockIndex(
        transform=TRANSFORM_VERSION,
        base=base,
        python=debian.python,
        artifacts=(*debian.artifacts, *python.artifacts),
        data={source.name: data_set(source, project.root) for source in project.data},
        inputs=inputs | {f"lockfiles/{REQUIREMENTS}": sha256_bytes(python.requirements.encode())},
    )
    data = index.to_bytes()
    write_files(project.lock_folder, {REQUIREMENTS: python.requirements.encode(), INDEX: data})
    return Locked(index, sha256_bytes(data), python.notes)
