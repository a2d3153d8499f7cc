"""`lockfiles/reprobuild.lock`: the index of everything that an image and a run are made from."""

from typing import Literal

from pydantic import Field

from reprobuild.ground.digests import Sha256
from reprobuild.ground.documents import Document
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base
from reprobuild.lock.cuda import Cuda
from reprobuild.lock.oci import Origin


class DataSet(Document):
    """One data set by its tree digest; `files` and `size` (bytes) are there for people."""

    path: str
    sha256: Sha256
    size: int = Field(ge=0)
    files: int = Field(ge=0)
    licence: str = ""
    origin: str = ""
    preprocessing: str = ""


class PlainBase(Document):
    """A base and its Python without what a conda environment makes of them."""

    base: Base
    python: str


class LockIndex(Document):
    """Everything by hash. `inputs` names each thing the lock depends on with its digest, for `lock --check`."""

    format: Literal["reprobuild.lock/1"] = "reprobuild.lock/1"
    transform: int = Field(ge=1)
    base: Base
    python: str
    """The exact version of the image's Python, e.g. `3.11.2`."""
    artifacts: tuple[Artifact, ...]
    data: dict[str, DataSet]
    inputs: dict[str, Sha256]
    cuda: Cuda | None = None
    """What the CUDA runtime among the artifacts asks of a machine."""
    origin: Origin | None = None
    """Of a base that is an image of a registry."""
    plain: PlainBase | None = None
    """The base as its registry gave it, where `base` has a conda environment: a tag is not asked again to know it."""
