"""What a comparison says: documents, so that `replay.json` holds them as they are."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from reprobuild.ground.digests import Sha256
from reprobuild.ground.documents import Document
from reprobuild.hardware.findings import Effect as Effect
from reprobuild.hardware.findings import Finding as Finding
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.numerics.compare import Agreement
from reprobuild.numerics.document import Numerics
from reprobuild.numerics.prediction import Prediction
from reprobuild.record.document import Asked, Ending, FileDigest, Json, Log


class Kind(StrEnum):
    """The four verdicts."""

    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    UNCHECKED = "unchecked"


class Outcome(StrEnum):
    """What one comparison found."""

    SAME = "same"
    SAME_BYTES = "same bytes"
    SAME_VALUES = "same values"
    """Other bytes, in a format whose other bytes do not matter."""
    INSIDE = "inside its tolerance"
    DIFFERENT = "different"
    MISSING = "missing"
    NEW = "new"
    FAILED = "could not be compared"


class Difference(Document):
    """The first value that differs. `absolute` and `ulps` (units in the last place) only where both are numbers."""

    where: str
    recorded: str
    seen: str
    absolute: float | None = None
    ulps: int | None = None


class Comparison(Document):
    """One output: `compared_as` names the format, `detail` why it failed or which bytes do not matter."""

    name: str
    outcome: Outcome
    compared_as: str
    recorded: FileDigest | None
    seen: FileDigest | None
    first: Difference | None = None
    differing: int = Field(default=0, ge=0)
    """How many values differ, of `values`."""
    values: int = Field(default=0, ge=0)
    max_absolute: float | None = None
    max_relative: float | None = None
    max_ulps: int | None = None
    tensors: int = Field(default=0, ge=0)
    """Of a model: how many both sides have."""
    differing_tensors: int = Field(default=0, ge=0)
    fleeting: tuple[str, ...] = ()
    """What differing values that only tell when, where or how fast the run was are, such as time stamps."""
    fleeting_values: int = Field(default=0, ge=0)
    """How many of `differing` these are."""
    detail: str = ""

    @property
    def only_fleeting(self) -> bool:
        """True when nothing else differs; bytes that differ are a difference nevertheless."""
        return self.outcome is Outcome.DIFFERENT and 0 < self.differing == self.fleeting_values


class Cause(Document):
    """Something that made, or may have made, the result another one; both sides as texts, or what was seen."""

    kind: str
    """As `causes.toml` names it: seed, threads, dispatch, unseeded source …"""
    subject: str
    recorded: str
    seen: str
    certainty: Literal["decides", "may"]
    why: str
    source: str = ""
    """Where that is known from."""


class Check(Document):
    """One row of the report."""

    name: str
    recorded: str
    seen: str
    outcome: Outcome
    detail: str = ""


class Verdict(Document):
    """The verdict, its reasons with the worst first, and every check."""

    kind: Kind
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]


class Seen(Document):
    """The replay's side, as a record has it."""

    asked: Asked
    found: dict[str, Json]
    fingerprint: Fingerprint
    outputs: dict[str, FileDigest]
    metrics: dict[str, float]
    ending: Ending
    wall_seconds: float
    peak_memory_bytes: int
    log: Log
    numerics: Numerics | None = None
    """What the probe computed before the replay; None where the bundle has nothing to compare it with."""


class ReplayReport(Document):
    """`replay.json`."""

    format: Literal["reprobuild.replay/1"] = "reprobuild.replay/1"
    reprobuild: str
    bundle: Sha256
    """Digest of the bundle manifest."""
    project: str
    image: Sha256
    """The image ID."""
    verdict: Kind
    reasons: tuple[str, ...]
    """The worst first."""
    require: Literal["identical", "equivalent"]
    exit_status: int
    checks: tuple[Check, ...]
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    """What differs between the two requests and machines, the likeliest cause first."""
    causes: tuple[Cause, ...] = ()
    """Why the result came out otherwise, the likeliest first; none where it is identical, or nothing is known."""
    numerics: Agreement | None = None
    """The probe's results there and here; None where one side has none."""
    prediction: Prediction | None = None
    """What was expected before the replay started."""
    recorded_wall_seconds: float
    seen: Seen
