"""A report as text for people; whatever a stranger wrote is escaped."""

from collections.abc import Iterator, Mapping, Sequence

from reprobuild.ground.text import escaped, shown
from reprobuild.numerics.compare import summarise
from reprobuild.numerics.prediction import render_prediction
from reprobuild.record.document import Json
from reprobuild.verdict.causes import came_out_otherwise
from reprobuild.verdict.decide import explain
from reprobuild.verdict.document import Cause, Check, Finding, Kind, Outcome, ReplayReport

MARKS = {
    Outcome.SAME: "=",
    Outcome.SAME_BYTES: "=",
    Outcome.SAME_VALUES: "=",
    Outcome.INSIDE: "~",
    Outcome.DIFFERENT: "≠",
    Outcome.MISSING: "≠",
    Outcome.NEW: "≠",
    Outcome.FAILED: "?",
}
UNKNOWN = "nothing that is recorded differs: look for time, randomness without a seed, or races between threads"

MAY = {"decides": "", "may": "perhaps"}
SHOWN = 6
"""Causes that a terminal shows."""


def render_report(report: ReplayReport) -> str:
    """Every check with both sides, what differs between the machines, the verdict, its reasons and likely causes."""
    return "\n".join(_lines(report))


def _lines(report: ReplayReport) -> Iterator[str]:
    yield f"replay of {shown(report.project)}  bundle {report.bundle[:12]}  image {report.image[:12]}"
    seconds = report.seen.wall_seconds
    yield f"took {seconds:.1f} s; the recorded run took {report.recorded_wall_seconds:.1f} s"
    yield from _emulation(report.seen.found)
    yield ""
    yield from render_rows([("", "", "recorded", "seen", ""), *(_check_row(check) for check in report.checks)])
    yield ""
    yield from _differences(report)
    yield from _findings(report.findings)
    if report.numerics is not None:
        yield summarise(report.numerics)
        yield ""
    yield f"verdict: {report.verdict}"
    yield from (f"  {escaped(reason)}" for reason in report.reasons)
    if report.prediction is not None:
        yield f"  predicted: {escaped(render_prediction(report.prediction))}; seen: {report.verdict}"
    if report.verdict is Kind.EQUIVALENT and report.exit_status:
        yield "  --require identical asks for more"
    if came_out_otherwise(report.checks):
        yield from render_causes(report.causes)


def _emulation(found: Mapping[str, Json]) -> Iterator[str]:
    """On which CPU a replay was, where it was not this machine's, and what of it was not on that one."""
    emulation, programs = found.get("emulation"), found.get("programs")
    if isinstance(emulation, dict):
        claim = emulation.get("claim")
        name = claim.get("name") if isinstance(claim, dict) else ""
        yield shown(f"emulated: {emulation.get('cpu')} ({name}), by qemu {emulation.get('qemu')}")
        if isinstance(programs, list) and programs:
            yield shown(f"on this machine's own CPU, being no Python: {', '.join(map(str, programs))}")


def _check_row(check: Check) -> tuple[str, str, str, str, str]:
    return MARKS[check.outcome], shown(check.name), shown(check.recorded), shown(check.seen), str(check.outcome)


def _differences(report: ReplayReport) -> Iterator[str]:
    """Where each output first differs, or why that is not known."""
    explained = [(item.name, explain(item)) for item in report.comparisons if explain(item)]
    if explained:
        yield "outputs whose bytes differ:"
        yield from (escaped(f"  {name}: {text}") for name, text in explained)
        yield ""


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        yield "machine and request: as recorded"
    else:
        yield "machine and request: not as recorded"
        rows = [
            ("", "", "recorded", "seen", ""),
            *(("", f.subject, f.recorded, f.seen, str(f.effect)) for f in findings),
        ]
        yield from render_rows(rows)
    yield ""


def render_causes(causes: Sequence[Cause], where: str = "replay.json and --json tell them") -> Iterator[str]:
    """The likeliest few, and how many more there are."""
    yield "likely causes, the likeliest first:" if causes else f"cause: {UNKNOWN}"
    for number, cause in enumerate(causes[:SHOWN], 1):
        sides = f"recorded {cause.recorded}, seen {cause.seen}" if cause.seen else cause.recorded
        told = f"{cause.subject}: {sides}" if sides else cause.subject
        yield escaped(f"  {number}. {told} ({', '.join(filter(None, (MAY[cause.certainty], cause.why)))})")
    if len(causes) > SHOWN:
        yield f"  and {len(causes) - SHOWN} more: {where}"


def render_rows(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns as wide as what is in them, at most 44 characters unless they are the last."""
    widths = [min(44, max(len(row[column]) for row in rows)) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
