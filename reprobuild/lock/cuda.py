"""CUDA in a lock: the release that its runtime is of, and the driver that this release needs."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import StringConstraints

from reprobuild.ground.documents import Document
from reprobuild.ground.errors import InputError
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base

Release = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}\.[0-9]{1,3}$")]
Driver = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6}){0,3}$")]
RUNTIMES = {
    "wheel": re.compile(r"nvidia-cuda-runtime(-cu[0-9]+)?"),  # with a suffix up to CUDA 12, without from 13 on
    "conda": re.compile(r"cuda-cudart|cudatoolkit"),
}
"""The packages, by kind of artifact, that hold NVIDIA's runtime library; their version is that of CUDA."""
_RELEASE = re.compile(r"[1-9][0-9]\.[0-9]{1,3}(?![0-9])")


class Cuda(Document):
    """The newest CUDA release among a lock's runtimes, and which Linux driver it needs."""

    version: Release
    """As major and minor version, e.g. `12.9`."""
    driver: Driver | None
    """The least driver: it runs any release of the same major version (minor-version compatibility)."""
    toolkit_driver: Driver | None
    """The driver that came with the release, from which on no feature is missing.

    Either is None where `cuda_drivers.toml` has no row: the release is newer than the table.
    """


def find_cuda(artifacts: Iterable[Artifact]) -> Cuda | None:
    """What the locked runtimes ask of a machine; None where there is no runtime."""
    releases = [release for artifact in artifacts if (release := cuda_release(artifact))]
    if not releases:
        return None
    return _cuda(max(releases, key=_numbers))


def _cuda(version: str) -> Cuda:
    least, toolkit = (_drivers()[table] for table in ("least", "toolkit"))
    return Cuda(version=version, driver=least.get(version.partition(".")[0]), toolkit_driver=toolkit.get(version))


def cuda_named(environment: Mapping[str, str]) -> Cuda | None:
    """What a base that is an image says of its CUDA, in the variable that NVIDIA's own images set."""
    found = _RELEASE.match(environment.get("CUDA_VERSION", ""))
    return _cuda(found[0]) if found else None


def release_of(base: Base, artifacts: Iterable[Artifact]) -> str:
    """The release, e.g. `12.9`, of the CUDA that a base brings; InputError when its requirements brought none."""
    assert base.cuda
    for artifact in artifacts:
        release = cuda_release(artifact)
        if artifact.kind == "wheel" and release.partition(".")[0] == str(base.cuda.major):
            return release
    raise InputError(
        f"{base.name}: no wheel of the CUDA {base.cuda.major} runtime among the locked ones",
        hint="its [cuda] requirements must bring nvidia-cuda-runtime",
    )


def settle_base(base: Base, artifacts: Iterable[Artifact]) -> Base:
    """The base as the lock has it: with the release of its CUDA in the variable that NVIDIA's own images set."""
    if not base.cuda:
        return base
    variables = {"CUDA_VERSION": release_of(base, artifacts)}
    return base.model_copy(update={"environment": base.environment | variables})


def find_mixture(base: Base, artifacts: Iterable[Artifact]) -> tuple[str, ...]:
    """What to tell of a runtime whose major version is not that of the base: such an image has two CUDAs."""
    if not base.cuda:
        return ()
    found = {release for artifact in artifacts if (release := cuda_release(artifact))}
    others = sorted((release for release in found if _numbers(release)[0] != base.cuda.major), key=_numbers)
    return tuple(
        f"the project brings CUDA {release} beside the base's {base.cuda.major}: "
        f"a base of CUDA {_numbers(release)[0]} would hold it once"
        for release in others
    )


def cuda_release(artifact: Artifact) -> str:
    """`12.9` of a package of NVIDIA's CUDA runtime, and nothing for anything else."""
    names = RUNTIMES.get(artifact.kind)
    found = _RELEASE.match(artifact.version)
    return found[0] if names and found and names.fullmatch(artifact.name) else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


@cache
def _drivers() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files("reprobuild") / "lock" / "cuda_drivers.toml").read_text("utf-8"))
