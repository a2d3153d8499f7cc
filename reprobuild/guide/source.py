"""Everything that a guide is written from, as values."""

from dataclasses import dataclass

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes
from reprobuild.guide.file import GuideFile
from reprobuild.guide.run import Run
from reprobuild.lock.index import LockIndex
from reprobuild.project.model import DataSource
from reprobuild.tensors.model import Model


@dataclass(frozen=True)
class Source:
    """What the guide of one project is written from; `main` is the run that it tells of."""

    project: str
    file: GuideFile
    declared: bytes
    """`guide.toml` as it lies there."""
    template: tuple[str, str]
    """The name and the text of the template."""
    runs: tuple[Run, ...] = ()
    older: int = 0
    """How many runs there are before those."""
    main: Run | None = None
    data: tuple[DataSource, ...] = ()
    """As `reprobuild.toml` tells of it now; what a run was given is in its record."""
    lock: LockIndex | None = None
    models: tuple[Model, ...] = ()

    @property
    def inputs(self) -> str:
        """The digest of what people wrote: `guide.toml` and the template."""
        return sha256_bytes(canonical_json([sha256_bytes(self.declared), sha256_bytes(self.template[1].encode())]))

    @property
    def run(self) -> tuple[str, str] | None:
        """The number of the run and the digest of its record."""
        return (self.main.number, self.main.sha256) if self.main else None
