"""A project: what `reprobuild.toml` says, with every default filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reprobuild.hardware.fingerprint import EngineName
from reprobuild.numerics.pins import Profile
from reprobuild.record.document import Scalar, Tolerance


@dataclass(frozen=True)
class DataSource:
    """One `[data.NAME]` table; `path` as written."""

    name: str
    path: str
    licence: str = ""
    origin: str = ""
    preprocessing: str = ""


@dataclass(frozen=True)
class Project:
    """A folder with a `reprobuild.toml`; paths are relative to `root` and use `/`."""

    root: Path
    name: str
    base: str
    debian: tuple[str, ...]
    requirements: tuple[str, ...]
    resolver: str
    environment: str | None
    """The conda environment file."""
    command: tuple[str, ...]
    seed: int
    threads: int
    timeout: float
    gpu: bool
    engine: EngineName | None
    """None: the machine's own, see `engines.find`."""
    env: tuple[str, ...]
    params: tuple[str, ...]
    outputs: tuple[str, ...]
    metrics: str | None
    hyperparameters: Mapping[str, Scalar]
    tolerances: Mapping[str, Tolerance]
    data: tuple[DataSource, ...]
    interpreter: str = ""
    """`[image] python`, of a base that is an image of a registry."""
    numerics: Profile = "native"

    @property
    def lock_folder(self) -> Path:
        """Where the lock is written."""
        return self.root / "lockfiles"
