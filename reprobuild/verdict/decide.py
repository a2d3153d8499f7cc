"""The verdict: five rules in order, the worst first."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from reprobuild.record.document import Asked, Ending, Tolerance
from reprobuild.verdict.document import Check, Comparison, Kind, Outcome, Verdict

EXIT_STATUS = {Kind.IDENTICAL: 0, Kind.EQUIVALENT: 0, Kind.DIFFERENT: 10, Kind.UNCHECKED: 11}
NOTHING = "–"
MANY_ULPS = 1 << 20
"""Beyond it the distance in units in the last place tells a reader nothing."""


class Result(Protocol):
    """One side: how it ended, and its metrics."""

    @property
    def ending(self) -> Ending:
        """How it ended."""
        ...

    @property
    def metrics(self) -> Mapping[str, float]:
        """Names to numbers."""
        ...


def exit_status(kind: Kind, require: str) -> int:
    """What the command ends with: a required `identical` makes `equivalent` a difference."""
    return 10 if (kind, require) == (Kind.EQUIVALENT, "identical") else EXIT_STATUS[kind]


def decide(asked: Asked, recorded: Result, seen: Result, comparisons: Sequence[Comparison]) -> Verdict:
    """The verdict on two runs of one request, whose outputs have been compared.

    1. another exit status or signal: different
    2. an output differs and no metric covers it, or a metric lies outside its tolerance: different
    3. nothing declared to compare, or a comparison could not be made: unchecked
    4. bytes differ, at least one metric is declared, and all lie inside: equivalent
    5. every output has the same bytes, or the same values in a format whose other bytes do not matter: identical

    A metric covers the bytes of an output, never its presence.
    """
    ending = _check_ending(recorded.ending, seen.ending)
    metrics = tuple(_check_metrics(recorded.metrics, seen.metrics, asked.tolerances))
    outputs = tuple(_check_output(comparison) for comparison in comparisons)
    checks = (ending, *outputs, *metrics)
    covered = bool(recorded.metrics)
    different = [
        *_ending_reasons(ending, recorded.ending, seen.ending),
        *_output_reasons(comparisons, covered),
        *(_metric_reason(check) for check in metrics if check.outcome in WRONG),
    ]
    unchecked = list(_unchecked_reasons(asked, comparisons, metrics))
    if different or unchecked:
        kind = Kind.DIFFERENT if different else Kind.UNCHECKED
        return Verdict(kind=kind, reasons=(*different, *unchecked), checks=checks)
    apart = [item for item in comparisons if item.outcome is Outcome.DIFFERENT]
    if apart or any(check.outcome is Outcome.INSIDE for check in metrics):
        return Verdict(kind=Kind.EQUIVALENT, reasons=tuple(_inside(apart, metrics)), checks=checks)
    return Verdict(kind=Kind.IDENTICAL, reasons=tuple(_identical(comparisons)), checks=checks)


WRONG = (Outcome.DIFFERENT, Outcome.MISSING, Outcome.NEW)


def _check_ending(recorded: Ending, seen: Ending) -> Check:
    same = (recorded.status, recorded.signal) == (seen.status, seen.signal)
    stopped = {recorded.reason, seen.reason} & {"deadline", "interrupted"}
    differs = not same or (stopped and recorded.reason != seen.reason)
    outcome = Outcome.DIFFERENT if differs else Outcome.SAME
    return Check(name="exit status", recorded=_spell(recorded), seen=_spell(seen), outcome=outcome, detail=seen.message)


def _spell(ending: Ending) -> str:
    if ending.reason == "deadline":
        return "deadline"
    return ending.signal or str(ending.status)


def _ending_reasons(check: Check, recorded: Ending, seen: Ending) -> Iterator[str]:
    if seen.reason == "outputs" != recorded.reason:
        yield f"outputs: {seen.message}"
    elif check.outcome is Outcome.DIFFERENT:
        said = f": {check.detail}" if check.detail else ""
        yield f"exit status: recorded {check.recorded}, seen {check.seen}{said}"


def _check_metrics(
    recorded: Mapping[str, float], seen: Mapping[str, float], tolerances: Mapping[str, Tolerance]
) -> Iterator[Check]:
    for name in sorted({*recorded, *seen, *tolerances}):
        tolerance = tolerances.get(name, Tolerance())
        a, b = recorded.get(name), seen.get(name)
        if a is None:
            outcome = Outcome.NEW if b is not None else Outcome.FAILED
        elif b is None:
            outcome = Outcome.MISSING
        elif _same(a, b):
            outcome = Outcome.SAME
        else:
            outcome = Outcome.INSIDE if _lies_inside(a, b, tolerance) else Outcome.DIFFERENT
        texts = (NOTHING if value is None else repr(value) for value in (a, b))
        yield Check(
            name=name, recorded=next(texts), seen=next(texts), outcome=outcome, detail=_detail(a, b, tolerance)
        )  # fmt: skip


def _same(recorded: float, seen: float) -> bool:
    return recorded == seen or (math.isnan(recorded) and math.isnan(seen))


def _lies_inside(recorded: float, seen: float, tolerance: Tolerance) -> bool:
    """Inside when either bound holds; NaN and infinities lie inside of nothing but themselves."""
    apart = abs(seen - recorded)
    inside = apart <= tolerance.absolute or apart <= tolerance.relative * abs(recorded)
    return inside and math.isfinite(apart)


def _detail(recorded: float | None, seen: float | None, tolerance: Tolerance) -> str:
    bounds = [
        *([f"{tolerance.absolute:g}"] if tolerance.absolute or not tolerance.relative else []),
        *([f"{tolerance.relative:g} of the recorded value"] if tolerance.relative else []),
    ]
    allowed = f"tolerance {' or '.join(bounds)}"
    if recorded is None or seen is None or _same(recorded, seen):
        return allowed
    return f"apart by {abs(seen - recorded):.3g}, {allowed}"


def _metric_reason(check: Check) -> str:
    if check.outcome is Outcome.DIFFERENT:
        return f"metric {check.name}: recorded {check.recorded}, seen {check.seen} ({check.detail})"
    where = "record" if check.outcome is Outcome.NEW else "replay"
    return f"metric {check.name}: recorded {check.recorded}, seen {check.seen}: the {where} has none"


def _check_output(comparison: Comparison) -> Check:
    texts = [f"sha256:{side.sha256[:12]}" if side else NOTHING for side in (comparison.recorded, comparison.seen)]
    return Check(
        name=comparison.name,
        recorded=texts[0],
        seen=texts[1],
        outcome=comparison.outcome,
        detail=explain(comparison),
    )


def _output_reasons(comparisons: Sequence[Comparison], covered: bool) -> Iterator[str]:
    for item in comparisons:
        if item.outcome is Outcome.MISSING:
            yield f"output {item.name}: the replay left none"
        elif item.outcome is Outcome.NEW:
            yield f"output {item.name}: the recorded run left none"
        elif item.outcome is Outcome.DIFFERENT and not covered:
            yield f"output {item.name} differs and no metric covers it: {explain(item)}"


def _unchecked_reasons(asked: Asked, comparisons: Sequence[Comparison], metrics: Sequence[Check]) -> Iterator[str]:
    if not asked.outputs and asked.metrics is None:
        yield "no output and no metric is declared"
    elif not comparisons and not metrics:
        yield "nothing that is declared was written by either run"
    for item in comparisons:
        if item.outcome is Outcome.FAILED:
            yield f"output {item.name}: other bytes, and it could not be compared as {item.compared_as}: {item.detail}"
    for check in metrics:
        if check.outcome is Outcome.FAILED:
            yield f"metric {check.name}: it has a tolerance and neither run wrote it"


def _inside(apart: Sequence[Comparison], metrics: Sequence[Check]) -> Iterator[str]:
    yield f"not the same, and all metrics lie inside their tolerances: {', '.join(check.name for check in metrics)}"
    yield from (f"output {item.name}: {explain(item)}" for item in apart)


def _identical(comparisons: Sequence[Comparison]) -> Iterator[str]:
    spelled = [item for item in comparisons if item.outcome is Outcome.SAME_VALUES]
    same = len(comparisons) - len(spelled)
    if same or not comparisons:
        yield f"{same} of {len(comparisons)} outputs have the same bytes"
    yield from (f"output {item.name} has the same values; {item.detail}" for item in spelled)


def joined(names: Sequence[str]) -> str:
    """Names as people list them."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def explain(comparison: Comparison) -> str:
    """The first difference and how many there are, or what kept them from being found."""
    first = comparison.first
    if first is None:
        return comparison.detail
    apart = [] if first.absolute is None else [f"apart by {first.absolute:.3g}"]
    apart += [] if first.ulps is None or first.ulps > MANY_ULPS else [f"{first.ulps:,} ULP"]
    only = f"only {joined(comparison.fleeting)} differ: " if comparison.only_fleeting else ""
    line = f"{only}{first.where}: recorded {first.recorded}, seen {first.seen}"
    line += f" ({', '.join(apart)})" if apart else ""
    line += f"; {comparison.differing:,} of {comparison.values:,} values differ"
    if comparison.max_absolute is not None:
        line += f", by at most {comparison.max_absolute:.3g}"
    if comparison.max_relative is not None:
        line += f" ({comparison.max_relative:.3g} relative)"
    if comparison.max_ulps is not None and comparison.differing > 1 and comparison.max_ulps <= MANY_ULPS:
        line += f", at most {comparison.max_ulps:,} ULP"
    if comparison.fleeting and not only:
        line += f"; {comparison.fleeting_values:,} of them only {joined(comparison.fleeting)}"
    if comparison.tensors > 1:
        line += f", in {comparison.differing_tensors:,} of {comparison.tensors:,} tensors"
    return line + (f"; {comparison.detail}" if comparison.detail else "")
