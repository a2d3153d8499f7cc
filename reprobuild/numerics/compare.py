"""Two machines' numerics side by side: which operations agree, and which do not."""

from collections.abc import Iterator, Sequence
from typing import Literal

from reprobuild.ground.documents import Document
from reprobuild.ground.text import shown
from reprobuild.numerics.document import Numerics
from reprobuild.numerics.pins import Profile

SHOWN = 8
"""Operations that are named in one line."""


class Version(Document):
    """A library's version on each side; "" where it is not."""

    library: str
    recorded: str
    seen: str


class Agreement(Document):
    """What came of it, the names sorted; nothing is compared when the batteries are of two versions."""

    comparable: bool
    agreeing: int
    disagreeing: tuple[str, ...]
    failed: tuple[str, ...]
    """That could not be computed on one side or on both."""
    missing: tuple[str, ...]
    """That only one side has: a library is not there."""
    versions: tuple[Version, ...]
    """Of libraries that are not of the same version on both sides."""
    profiles: tuple[Profile, Profile]
    """Recorded first."""

    @property
    def outcome(self) -> Literal["agree", "disagree", "unchecked"]:
        """Unchecked when nothing could be compared."""
        if self.disagreeing:
            return "disagree"
        return "agree" if self.comparable and self.agreeing else "unchecked"


def compare_numerics(recorded: Numerics, seen: Numerics) -> Agreement:
    """Operation by operation, by name. Other versions of a library are compared too: their results may be the same."""
    comparable = recorded.probe == seen.probe
    both = recorded.operations.keys() & seen.operations.keys() if comparable else set()
    disagreeing = sorted(name for name in both if recorded.operations[name] != seen.operations[name])
    failed = recorded.failed.keys() | seen.failed.keys()
    told = recorded.operations.keys() ^ seen.operations.keys() if comparable else set()
    return Agreement(
        comparable=comparable,
        agreeing=len(both) - len(disagreeing),
        disagreeing=tuple(disagreeing),
        failed=tuple(sorted(failed)),
        missing=tuple(sorted(told - failed)),
        versions=tuple(_versions(recorded, seen)),
        profiles=(recorded.profile, seen.profile),
    )


def _versions(recorded: Numerics, seen: Numerics) -> Iterator[Version]:
    for name in sorted(recorded.libraries.keys() | seen.libraries.keys()):
        one, other = recorded.libraries.get(name, ""), seen.libraries.get(name, "")
        if one != other:
            yield Version(library=name, recorded=one, seen=other)


def summarise(agreement: Agreement) -> str:
    """One line for people, which names the first operations that disagree."""
    if not agreement.comparable:
        return "the numeric probe is of another version: nothing was compared"
    total = agreement.agreeing + len(agreement.disagreeing)
    if not total:
        return "the numeric probe has no operation that both sides computed"
    if not agreement.disagreeing:
        return f"all {total:,} operations of the numeric probe agree"
    return (
        f"{len(agreement.disagreeing):,} of {total:,} operations of the numeric probe disagree: "
        f"{name_some(agreement.disagreeing)}"
    )


def name_some(names: Sequence[str]) -> str:
    """Operations without their types and shapes, the first few by name and the others as a number."""
    operations = list(dict.fromkeys("/".join(name.split("/")[:2]) for name in names))
    more = f" and {len(operations) - SHOWN} more" if len(operations) > SHOWN else ""
    return ", ".join(shown(name) for name in operations[:SHOWN]) + more
