"""`record.json`: what one run was asked to do, what was found in force, and what came out."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from reprobuild.ground.digests import Sha256
from reprobuild.ground.documents import Document, Inside, Name, Variable
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.hardware.needs import Needs
from reprobuild.numerics.pins import Profile

LONGEST = 366 * 86400
"""Seconds that a run may be given."""
Scalar = bool | int | float | str | None
Json = JsonValue
Word = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""A word of a command line, which the operating system ends at a NUL."""
Elsewhere = Annotated[str, Field(pattern=r"^/data/[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""Where data from outside the project is in a run."""


class Tolerance(Document):
    """How far a metric may lie from the recorded one: `absolute`, or `relative` to the recorded magnitude."""

    absolute: float = Field(default=0.0, ge=0)
    relative: float = Field(default=0.0, ge=0)


class FileDigest(Document):
    """A file's content."""

    sha256: Sha256
    size: int = Field(ge=0)


class Tree(Document):
    """A folder's content by its tree digest; `size` in bytes."""

    sha256: Sha256
    size: int = Field(ge=0)
    files: int = Field(ge=0)


class DataUse(Document):
    """A data set as a run sees it: `path` is absolute in the run, or relative to the source tree."""

    path: Inside | Elsewhere
    sha256: Sha256
    size: int = Field(ge=0)
    files: int = Field(ge=0)
    licence: str = ""
    origin: str = ""
    preprocessing: str = ""


class Asked(Document):
    """The request, from `reprobuild.toml` and the command line."""

    command: Annotated[tuple[Word, ...], Field(min_length=1)]
    """After substitution of hyperparameters."""
    seed: int = Field(ge=0, lt=2**32)
    threads: int = Field(ge=1)
    timeout: float = Field(gt=0, le=LONGEST)
    """Seconds."""
    gpu: bool
    env: tuple[Variable, ...]
    hyperparameters: dict[str, Scalar]
    """Those of `[run.hyperparameters]`."""
    params: dict[str, Json]
    """Of each params file, by path."""
    outputs: tuple[Inside, ...]
    metrics: Inside | None
    tolerances: dict[str, Tolerance]
    numerics: Profile = "native"
    """Records from before there were profiles have none, and were native."""


class Ending(Document):
    """How the run ended: `status` of an exit, or the `signal`'s name."""

    reason: Literal["finished", "deadline", "interrupted", "outputs"]
    status: int | None
    signal: str | None
    message: str = ""


class Log(Document):
    """Standard output and error together; `truncated` when only the first and last part were kept."""

    sha256: Sha256
    size: int = Field(ge=0)
    truncated: bool


class Record(Document):
    """One run."""

    format: Literal["reprobuild.record/1"] = "reprobuild.record/1"
    reprobuild: str
    project: str
    image: Sha256
    """The image ID."""
    lock: Sha256
    """Digest of `reprobuild.lock`."""
    source: Tree
    data: dict[Name, DataUse]
    asked: Asked
    found: dict[str, Json]
    """What the runtime saw in force inside: `seeds`, `threads`, `environment` (names to set/unset), `switches`; what
    `record.sources` describes too: `own_seeds`, `unseeded`, `not_seeded`."""
    fingerprint: Fingerprint
    needs: Needs = Needs()
    """What the image asks of a machine."""
    outputs: dict[Inside, FileDigest]
    metrics: dict[str, float]
    ending: Ending
    wall_seconds: float
    peak_memory_bytes: int
    """Of the run's largest process; 0 when none told."""
    log: Log

    @property
    def good(self) -> bool:
        """True when the command finished with status 0 and left what was declared."""
        return self.ending.reason == "finished" and self.ending.status == 0
