"""The runs that a guide is written from."""

from collections.abc import Sequence
from dataclasses import dataclass

from reprobuild.ground.digests import short
from reprobuild.guide.markdown import Markdown
from reprobuild.record.document import Record


@dataclass(frozen=True)
class Run:
    """One recorded run; `record` is None, and `problem` says why, where it cannot be read."""

    number: str
    sha256: str
    """Of its record; "" where that cannot be read."""
    record: Record | None
    note: str = ""
    problem: str = ""

    @property
    def good(self) -> bool:
        """True when it left what it was asked for."""
        return self.record is not None and self.record.good

    @property
    def tag(self) -> Markdown:
        """How a statement that this run measured is marked."""
        return Markdown(f"*measured · run {self.number} · {short(self.sha256)}*")


def newest_good(runs: Sequence[Run]) -> Run | None:
    """The last run that succeeded."""
    return next((run for run in reversed(runs) if run.good), None)
