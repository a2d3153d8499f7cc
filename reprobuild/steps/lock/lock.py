"""`lock`: what a project wants, resolved to the last byte; and whether a lock still belongs to its project."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError, UsageError
from reprobuild.ground.whole import write_whole
from reprobuild.image.model import TRANSFORM_VERSION
from reprobuild.lock.bases import read_base
from reprobuild.lock.cuda import cuda_named, find_cuda, find_mixture, settle_base
from reprobuild.lock.data import digest_data
from reprobuild.lock.index import LockIndex, PlainBase
from reprobuild.lock.oci import is_reference
from reprobuild.lock.python.target import Target
from reprobuild.project.model import Project
from reprobuild.steps.lock.conda import lock_conda, read_environment
from reprobuild.steps.lock.debian import lock_debian
from reprobuild.steps.lock.file import CONDA_LOCK, HINT, INDEX, REQUIREMENTS, read_any_lock, read_lock
from reprobuild.steps.lock.oci import lock_oci, require_python
from reprobuild.steps.lock.python import lock_python, read_requirements
from reprobuild.steps.lock.system import System
from reprobuild.steps.world import World
from reprobuild.tools.apt import find_mirrors
from reprobuild.tools.progress import Progress


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
    project: Project,
    world: World,
    *,
    progress: Progress,
    now: Callable[[], datetime] = utc_now,
    upgrade: bool = False,
) -> Locked:
    """Resolve everything and write `lockfiles/`; on any error the old lock stays as it was.

    A base that is an image of a registry is asked for again only on `upgrade`.
    """
    inputs = collect_inputs(project)
    system = _lock_system(project, world, progress, now, upgrade)
    plain = PlainBase(base=system.base, python=system.python) if system.origin and project.environment else None
    system, conda_lock = lock_conda(project.root, project.environment, system, world, progress)
    require_python(system)
    target, base = _target(project, system), system.base
    python = lock_python(
        project.root, project.requirements, project.resolver, target, world.python_doors, progress, base
    )
    native = {REQUIREMENTS: python.requirements} | ({CONDA_LOCK: conda_lock} if conda_lock else {})
    artifacts = (*system.artifacts, *python.artifacts)
    index = LockIndex(
        transform=TRANSFORM_VERSION,
        base=settle_base(base, python.artifacts),
        python=system.python,
        artifacts=artifacts,
        data={source.name: digest_data(source, project.root) for source in project.data},
        inputs=inputs | {name: sha256_bytes(text.encode()) for name, text in native.items()},
        cuda=find_cuda(artifacts) or (cuda_named(base.environment) if system.origin else None),
        origin=system.origin,
        plain=plain,
    )
    _write_lock(project.lock_folder, native, index)
    notes = (*system.notes, *python.notes, *find_mixture(base, artifacts))
    return Locked(index, sha256_bytes(index.to_bytes()), notes)


def _write_lock(folder: Path, native: Mapping[str, str], index: LockIndex) -> None:
    """The index is written last: it vouches for the other files, so a lock cut off in between is noticed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in native.items():
        write_whole(folder / name, text.encode())
    if CONDA_LOCK not in native:
        (folder / CONDA_LOCK).unlink(missing_ok=True)
    write_whole(folder / INDEX, index.to_bytes())


def _lock_system(
    project: Project, world: World, progress: Progress, now: Callable[[], datetime], upgrade: bool
) -> System:
    """What wheels are installed on: the packages of a base, or the layers of another image."""
    if is_reference(project.base):
        before = _lock_before(project, upgrade)
        return lock_oci(project.base, project.interpreter, world, progress, before=before, upgrade=upgrade)
    if upgrade:
        raise UsageError(
            f"--upgrade base: {project.base} is no image of a registry",
            hint="a plain reprobuild lock takes what its archives have now",
        )
    base, keys = read_base(project.base, project.root)
    progress.begin(f"resolving {base.name}", 0)

    def mirrors(suite: str) -> list[str]:
        return list(find_mirrors(suite, base.component, world.settings, world.runner))

    debian = lock_debian(base, keys, project.debian, fetch=world.fetch, mirrors=mirrors, store=world.store, now=now())
    return System(base, debian.python, debian.glibc, debian.artifacts)


def _lock_before(project: Project, upgrade: bool) -> LockIndex | None:
    """The lock that says what a tag is; one that cannot be read does not quietly let the tag become something else."""
    if not (project.lock_folder / INDEX).is_file():
        return None
    try:
        return read_any_lock(project.lock_folder)[0]
    except InputError as error:
        if upgrade:
            return None
        raise InputError(
            f"{error}; it said what {project.base} was",
            hint="restore it, or ask for the tag again: reprobuild lock --upgrade base",
        ) from error


def _target(project: Project, system: System) -> Target:
    """What wheels must fit; InputError where there are some and the base has nothing that they fit."""
    if project.requirements and not system.glibc:
        raise InputError(
            f"{project.base}: it has no glibc that tells its version, so no wheel is known to fit it",
            hint="take a base with glibc (not Alpine), or leave [python] requirements out",
        )
    return Target(system.python, system.glibc or (0, 0), system.base.architecture)


def collect_inputs(project: Project) -> dict[str, str]:
    """The digest of each thing that the lock depends on, by the name that `lock --check` shows."""
    _, requirements = read_requirements(project.root, project.requirements)
    inputs = {
        "[image] base": _base_digest(project),
        "[image] debian": sha256_bytes(canonical_json(sorted(set(project.debian)))),
        "[python] requirements": sha256_bytes(canonical_json(list(project.requirements))),
        "[python] resolver": sha256_bytes(project.resolver.encode()),
        **_conda_inputs(project),
        "[data]": sha256_bytes(canonical_json([asdict(source) for source in project.data])),
    }
    return inputs | requirements


def _base_digest(project: Project) -> str:
    if is_reference(project.base):
        return sha256_bytes(canonical_json([project.base, project.interpreter]))
    return sha256_bytes(read_base(project.base, project.root)[0].to_bytes())


def _conda_inputs(project: Project) -> dict[str, str]:
    if not project.environment:
        return {}
    _, environment = read_environment(project.root, project.environment)
    return {
        "[conda] environment": sha256_bytes(project.environment.encode()),
        project.environment: sha256_bytes(canonical_json(asdict(environment))),
    }


def changed_inputs(project: Project) -> list[str]:
    """What changed since the lock was made, sorted; a missing lock is an InputError."""
    index, _ = read_any_lock(project.lock_folder)
    native = (REQUIREMENTS, CONDA_LOCK) if project.environment else (REQUIREMENTS,)
    seen = collect_inputs(project) | {name: _file_digest(project.lock_folder / name) for name in native}
    changed = {name for name in index.inputs.keys() | seen.keys() if index.inputs.get(name) != seen.get(name)}
    for source in project.data:
        recorded = index.data.get(source.name)
        if recorded and recorded.sha256 != digest_data(source, project.root).sha256:
            changed.add(f"[data.{source.name}] {source.path}")
    if index.transform != TRANSFORM_VERSION:
        changed.add("transform version")
    names = {name: f"lockfiles/{name}" for name in native}
    return sorted(names.get(name, name) for name in changed)


def read_lock_of(project: Project) -> tuple[LockIndex, bytes]:
    """The project's lock; InputError when one of its inputs has changed since."""
    index, data = read_lock(project.lock_folder)
    if changed := changed_inputs(project):
        raise InputError(f"lockfiles/{INDEX}: {changed[0]} changed since the lock was made", hint=HINT)
    return index, data


def _file_digest(path: Path) -> str:
    try:
        return sha256_bytes(path.read_bytes())
    except OSError:
        return "missing"
