"""A probe, and two of them compared, for people; whatever a stranger wrote is escaped."""

from collections.abc import Iterator, Mapping, Sequence

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.text import shown
from reprobuild.numerics.compare import Agreement, summarise
from reprobuild.numerics.document import Numerics

LISTED = 40
"""Operations that are listed unless all are asked for."""


def render_numerics(numerics: Numerics, *, verbose: bool = False) -> str:
    """A line for each library, with one digest of all that it computed; every operation when `verbose`."""
    return "\n".join(_numerics(numerics, verbose))


def _numerics(numerics: Numerics, verbose: bool) -> Iterator[str]:
    yield f"{_place(numerics)}, Python {shown(numerics.python)}"
    rows = [("library", "version", "operations", "seconds", "digest"), *_libraries(numerics)]
    yield from _table(rows, right=(2, 3))
    imports = sum(seconds for name, seconds in numerics.seconds.items() if name.endswith(".import"))
    yield f"imports took {imports:.1f} s"
    yield from (f"problem: {shown(problem)}" for problem in numerics.problems)
    yield from _listed("could not be computed", [f"{name}: {why}" for name, why in numerics.failed.items()], verbose)
    if verbose:
        yield from (f"{digest}  {shown(name)}" for name, digest in sorted(numerics.operations.items()))


def _place(numerics: Numerics) -> str:
    cpu = shown(numerics.cpu.name or numerics.cpu.vendor) or "unknown CPU"
    emulated = f" emulated as {shown(numerics.emulated)}" if numerics.emulated else ""
    threads = f"{numerics.threads} thread{'' if numerics.threads == 1 else 's'}"
    return f"{cpu}{emulated}, profile {numerics.profile}, {threads}"


def _libraries(numerics: Numerics) -> Iterator[tuple[str, ...]]:
    names = sorted({name.partition("/")[0] for name in (*numerics.operations, *numerics.failed)})
    for name in names:
        mine = {key: value for key, value in numerics.operations.items() if key.startswith(f"{name}/")}
        version = numerics.libraries.get(name) or numerics.libraries.get(name.partition(".")[0], "")
        seconds = f"{numerics.seconds[name]:.2f}" if name in numerics.seconds else ""
        yield shown(name), shown(version), f"{len(mine):,}", seconds, digest_of(mine) if mine else ""


def digest_of(operations: Mapping[str, str]) -> str:
    """One digest of many operations: equal when, and only when, all of them agree."""
    return sha256_bytes(canonical_json(dict(operations)))[:16]


def render_agreement(agreement: Agreement, *, verbose: bool = False) -> str:
    """What disagrees, what could not be compared, and the sum of it in the last line."""
    return "\n".join(_agreement(agreement, verbose))


def _agreement(agreement: Agreement, verbose: bool) -> Iterator[str]:
    for version in agreement.versions:
        sides = [shown(side) or "not there" for side in (version.recorded, version.seen)]
        yield f"{shown(version.library)}: recorded {sides[0]}, here {sides[1]}"
    if agreement.profiles[0] != agreement.profiles[1]:
        yield f"profile: recorded {agreement.profiles[0]}, here {agreement.profiles[1]}"
    yield from _listed("disagree", agreement.disagreeing, verbose)
    yield from _listed("could not be computed on one side", agreement.failed, verbose)
    yield from _listed("only one side has them", agreement.missing, verbose)
    yield summarise(agreement)


def _listed(title: str, names: Sequence[str], everything: bool) -> Iterator[str]:
    if names:
        yield f"{len(names):,} {title}:"
        yield from (f"  {shown(name, 300)}" for name in (names if everything else names[:LISTED]))
        if len(names) > LISTED and not everything:
            yield f"  and {len(names) - LISTED:,} more"


def _table(rows: Sequence[tuple[str, ...]], right: Sequence[int]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
