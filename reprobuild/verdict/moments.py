"""Outputs that differ only in when, where or how fast a run was: in their values, or in their names."""

from collections.abc import Iterator, Sequence

from reprobuild.ground.text import shown
from reprobuild.verdict.decide import joined
from reprobuild.verdict.document import Cause, Check, Comparison, Outcome
from reprobuild.verdict.fleeting import fleeting, fleeting_number

_APART = (Outcome.DIFFERENT, Outcome.MISSING, Outcome.NEW, Outcome.FAILED)
_WRONG = (*_APART, Outcome.INSIDE)
SOURCE = "https://reproducible-builds.org/docs/timestamps/"


def moment_causes(comparisons: Sequence[Comparison], checks: Sequence[Check], why: str) -> Iterator[Cause]:
    """One for each output or metric of which that is all, or a part, of the difference."""
    for item in comparisons:
        if item.fleeting and item.first is not None:
            subject = f"{joined(item.fleeting)} in {item.name}"
            if item.only_fleeting:
                yield _cause(f"{subject}, {item.first.where}", item.first.recorded, item.first.seen, why, decides=True)
            else:
                some = f"{item.fleeting_values:,} of {item.differing:,} values that differ"
                yield _cause(subject, some, "", why, decides=False)
    for recorded, seen, kinds in renamed(comparisons):
        yield _cause(f"{joined(sorted(kinds))} in the name of an output", recorded, seen, why, decides=True)
    for check, kinds in _metrics(comparisons, checks):
        yield _cause(f"{joined(sorted(kinds))} as metric {check.name}", check.recorded, check.seen, why, decides=True)


def only_moments(comparisons: Sequence[Comparison], checks: Sequence[Check]) -> bool:
    """True when nothing else at all came out otherwise."""
    names = {name for pair in renamed(comparisons) for name in pair[:2]}
    names |= {item.name for item in comparisons if item.only_fleeting}
    names |= {check.name for check, _ in _metrics(comparisons, checks)}
    apart = {item.name for item in comparisons if item.outcome in _APART}
    apart |= {check.name for check in checks if check.outcome in _WRONG}
    return bool(apart) and apart <= names


def renamed(comparisons: Sequence[Comparison]) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Outputs that one side lacks and the other has under a name that differs in such values alone."""
    new = {item.name for item in comparisons if item.outcome is Outcome.NEW}
    for item in comparisons:
        if item.outcome is Outcome.MISSING:
            for name in sorted(new):
                if kinds := fleeting(item.name, name):
                    new.remove(name)
                    yield item.name, name, kinds
                    break


def _metrics(comparisons: Sequence[Comparison], checks: Sequence[Check]) -> Iterator[tuple[Check, frozenset[str]]]:
    outputs = {item.name for item in comparisons}
    for check in checks:
        if check.name in outputs or check.outcome not in (Outcome.DIFFERENT, Outcome.INSIDE):
            continue
        try:
            sides = float(check.recorded), float(check.seen)
        except ValueError:
            continue
        if kinds := fleeting_number(*sides, check.name):
            yield check, kinds


def _cause(subject: str, recorded: str, seen: str, why: str, *, decides: bool) -> Cause:
    return Cause(
        kind="moment",
        subject=shown(subject),
        recorded=recorded,
        seen=seen,
        certainty="decides" if decides else "may",
        why=why,
        source=SOURCE,
    )
