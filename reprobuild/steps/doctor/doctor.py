"""`doctor`: what works on this machine, and what to do about the rest. Nothing is installed and nothing is changed."""

from collections.abc import Iterator

from reprobuild.ground.text import escaped
from reprobuild.steps.doctor.checkup import Checkup, Doors, Row, ask_all, conclude
from reprobuild.steps.doctor.machine import MACHINE
from reprobuild.steps.doctor.sources import SOURCES

MARKS = {"ok": "✓", "untidy": "~", "missing": "–", "broken": "✗"}
PROBES = (*MACHINE, *SOURCES)


def check_machine(doors: Doors) -> Checkup:
    """The checkup of this machine and, where there is one, of the project."""
    return conclude(ask_all(PROBES, doors))


def render_checkup(checkup: Checkup) -> str:
    """A line or two for each thing; what is wrong says what it is for and what mends it."""
    return "\n".join(_lines(checkup))


def _lines(checkup: Checkup) -> Iterator[str]:
    width = max((len(row.name) for row in checkup.rows), default=0)
    for row in checkup.rows:
        yield escaped(f"{MARKS[row.state]} {row.name:{width}}  {row.found}")
        if row.state != "ok":
            yield from _advice(row, " " * (width + 4))
    yield ""
    if checkup.works:
        yield "lock, image, run and replay can work here"
    else:
        yield f"lock, image, run and replay cannot all work here; wanting: {', '.join(checkup.lacking)}"


def _advice(row: Row, indent: str) -> Iterator[str]:
    yield escaped(f"{indent}{row.state}; for {row.needed_for}")
    if row.remedy:
        yield escaped(f"{indent}→ {row.remedy}")
