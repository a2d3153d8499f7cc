"""Two runs side by side, as text for people."""

from collections.abc import Iterator, Sequence, Set

from reprobuild.ground.text import escaped, shown
from reprobuild.ledger.compare import Change, RunComparison, counted
from reprobuild.verdict.causes import came_out_otherwise
from reprobuild.verdict.decide import explain
from reprobuild.verdict.document import Check, Outcome
from reprobuild.verdict.render import MARKS, render_causes, render_rows


def render_comparison(comparison: RunComparison) -> str:
    """Results first, then everything that may be the reason."""
    return "\n".join(_lines(comparison))


def _lines(comparison: RunComparison) -> Iterator[str]:
    head = ("", "", *(f"run {name}" for name in comparison.runs))
    outputs = {item.name for item in comparison.outputs}
    yield from render_rows([(*head, ""), *(_check_row(check, outputs) for check in comparison.checks)])
    for item in comparison.outputs:
        if text := explain(item):
            yield escaped(f"   {item.name}: {text}")
    findings = [("", item.subject, item.recorded, item.seen, str(item.effect)) for item in comparison.findings]
    yield from _part("request, machine and software", [(*head, ""), *findings])
    for title, changes in (
        ("source", comparison.source),
        ("lock", comparison.lock),
        ("data", comparison.data),
        ("other", comparison.other),
    ):
        yield from _part(title, [(*head, ""), *map(_row, changes)])
    if came_out_otherwise(comparison.checks):
        yield ""
        yield from render_causes(comparison.causes, "--json tells them")
    yield ""
    number = counted(comparison)
    yield "nothing differs" if comparison.same else f"{number} {'difference' if number == 1 else 'differences'}"


def _check_row(check: Check, outputs: Set[str]) -> tuple[str, ...]:
    """An output's detail stands on a line of its own."""
    detail = check.detail if check.name not in outputs and check.outcome is not Outcome.SAME else ""
    told = f"{check.outcome}: {detail}" if detail else str(check.outcome)
    return MARKS[check.outcome], shown(check.name), shown(check.recorded), shown(check.seen), told


def _row(item: Change) -> tuple[str, ...]:
    return "", item.subject, item.recorded, item.seen, item.detail


def _part(title: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if len(rows) > 1:
        yield ""
        yield f"{title}:"
        yield from render_rows(rows)
