"""Locking conda packages: a solution through conda-lock, a SHA-256 for each, and the Python that the image then has."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reprobuild.ground.errors import InputError
from reprobuild.ground.parallel import each
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.conda.environment import Environment, parse_environment
from reprobuild.lock.conda.lockfile import CondaLockFile, Locked
from reprobuild.lock.conda.target import PLATFORMS, PYTHON, virtual_packages, with_conda
from reprobuild.steps.lock.file import CONDA_LOCK
from reprobuild.steps.lock.system import System
from reprobuild.steps.world import World
from reprobuild.tools.conda import Solution, find_conda, run_conda_lock
from reprobuild.tools.download import MAX_UNKNOWN
from reprobuild.tools.progress import Progress

MAX_FILE = 1 << 20
THREADS = 8


def lock_conda(folder: Path, path: str | None, system: System, world: World, progress: Progress) -> tuple[System, str]:
    """The system with the packages of an environment file of `folder`, if any, and its `conda-lock.yml`."""
    if path is None:
        return system, ""
    base = system.base
    if base.architecture not in PLATFORMS or not system.glibc:
        raise InputError(
            f"{path}: conda environments need an image for amd64 with a glibc, which {base.name} is not",
            hint='take another base: [image] base = "debian12-python311"',
        )
    data, environment = read_environment(folder, path)
    conda = find_conda()
    progress.begin(f"resolving with conda-lock and {Path(conda).name or 'py-rattler'}", 0)
    channels = {name: world.channels.members(name, world.fetch) for name in environment.channels}
    with tempfile.TemporaryDirectory(prefix="reprobuild-") as name:
        copy = Path(name)
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(data)
        solution = run_conda_lock(
            copy,
            path,
            f"lockfiles/{CONDA_LOCK}",
            channels,
            virtual_packages(base.architecture, system.glibc, f"{base.cuda.major}.0" if base.cuda else None),
            architecture=base.architecture,
            cache=world.store.root / "conda",
            runner=world.runner,
            sources=world.pip,
            conda=conda,
        )
    return _with_packages(system, solution, environment, world, progress)


def read_environment(folder: Path, path: str) -> tuple[bytes, Environment]:
    """An environment file as it is, and what it says."""
    try:
        with (folder / path).open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    return data, parse_environment(data, path)


def _with_packages(
    system: System, solution: Solution, environment: Environment, world: World, progress: Progress
) -> tuple[System, str]:
    places = [place for name in environment.channels for place in world.channels.named(name)]
    lock = CondaLockFile(solution.data, CONDA_LOCK, places)
    progress.begin("checking conda packages", len(lock.packages))

    def work(package: Locked) -> Artifact:
        artifact = _artifact(package, solution.records.get(package.name, {}), world)
        progress.advance()
        return artifact

    artifacts = each(work, sorted(lock.packages, key=lambda package: package.name), THREADS)
    text = lock.render({artifact.name: artifact.sha256 for artifact in artifacts})
    version = next((artifact.version for artifact in artifacts if artifact.name == PYTHON), "")
    site = str(solution.records.get(PYTHON, {}).get("python_site_packages_path") or "")
    base = with_conda(system.base, version, site)
    found = replace(system, base=base, python=version or system.python, artifacts=(*system.artifacts, *artifacts))
    return found, text


def _artifact(package: Locked, record: Mapping[str, Any], world: World) -> Artifact:
    """The package with its digest and size: told by its channel, else of the file itself, which is then downloaded."""
    size = record.get("size")
    sha256 = package.sha256
    if not sha256 or not isinstance(size, int) or not 0 < size <= MAX_UNKNOWN:
        sha256, size = _measure(package, world)
    return Artifact(
        kind="conda",
        name=package.name,
        version=package.version,
        filename=package.path.partition("/")[2],
        size=size,
        sha256=sha256,
        source=package.channel,
        path=package.path,
    )


def _measure(package: Locked, world: World) -> tuple[str, int]:
    """Digest and size of the file at its channel; a digest that is told must be right."""
    from reprobuild.tools.download import digest_of, download

    filename = package.path.partition("/")[2]
    urls = [f"{place}/{package.path}" for place in world.channels.places(package.channel)]
    sha256 = package.sha256 or digest_of(urls[0], world.fetch)
    blob = download(filename, urls, sha256, None, fetch=world.fetch, store=world.store)
    return sha256, blob.stat().st_size
