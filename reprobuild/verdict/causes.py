"""Why a result came out otherwise, as far as that can be known: one ranked list, its rules in `causes.toml`.

A cause is claimed only where something differs or was seen at work, and never where another fact excludes it.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import Field, JsonValue

from reprobuild.ground.documents import Document
from reprobuild.ground.text import shown
from reprobuild.hardware.findings import Effect, Finding
from reprobuild.hardware.rules import rule_source
from reprobuild.numerics.compare import Agreement, name_some
from reprobuild.numerics.prediction import Prediction
from reprobuild.numerics.taken import missed_pins
from reprobuild.record.sources import render_source
from reprobuild.verdict.document import Cause, Check, Comparison, Outcome
from reprobuild.verdict.moments import moment_causes, only_moments

Group = Literal["asked", "random", "arithmetic", "moment"]
_ORDERS: dict[bool, tuple[Group, ...]] = {
    True: ("asked", "arithmetic", "random", "moment"),
    False: ("asked", "random", "arithmetic", "moment"),
}
SMALL, TINY = 1e-3, 1e-5
"""Relative differences up to the one, or absolute ones up to the other, may be rounding that a training has carried on:
beside a number near 0 a relative difference says little. A small network on two CPUs differed by 2e-7, and by 0.0018 of
a value."""
MOST = 10
"""Causes of one kind."""
Found = Mapping[str, JsonValue]


class CauseRule(Document):
    """One kind of cause."""

    kind: str
    group: Group
    rules: tuple[str, ...] = ()
    certainty: Literal["decides", "may"] = "may"
    measured: bool = False
    reason: str = ""
    source: str = Field(default="", pattern=r"^(https://.*)?$")


class CauseRules(Document):
    """The table."""

    cause: tuple[CauseRule, ...]


@cache
def cause_rules() -> dict[str, CauseRule]:
    """The kinds of `causes.toml`, the likeliest first."""
    table = tomllib.loads((files("reprobuild") / "verdict" / "causes.toml").read_text())
    return {rule.kind: rule for rule in CauseRules.model_validate_json(json.dumps(table)).cause}


@dataclass(frozen=True)
class Evidence:
    """What is known of two runs whose results differ."""

    findings: Sequence[Finding]
    found: tuple[Found, Found]
    comparisons: Sequence[Comparison] = ()
    checks: Sequence[Check] = ()
    changes: Sequence[tuple[str, str, str, str]] = ()
    """Of code, data, package and image: kind, subject, recorded, seen."""
    numerics: Agreement | None = None
    """What the numeric probe got on the two sides."""
    prediction: Prediction | None = None
    """What the run's own operations gave, made again on both sides."""
    gpu: bool = False
    """Both runs had one."""


def came_out_otherwise(checks: Sequence[Check]) -> bool:
    """True when ending, an output or a metric is not the same, or could not be compared though its bytes differ."""
    return any(check.outcome not in (Outcome.SAME, Outcome.SAME_BYTES, Outcome.SAME_VALUES) for check in checks)


def rank_causes(evidence: Evidence) -> tuple[Cause, ...]:
    """The likeliest first, each with its reason; empty where nothing is known that could be one, or all is the same."""
    if not came_out_otherwise(evidence.checks):
        return ()
    moments = list(moment_causes(evidence.comparisons, evidence.checks, cause_rules()["moment"].reason))
    if only_moments(evidence.comparisons, evidence.checks):
        return tuple(moments)
    causes = [
        *_of_findings(evidence),
        *(_cause(kind, *texts) for kind, *texts in evidence.changes),
        *_of_operations(evidence.numerics, evidence.prediction),
        *_of_pins(evidence.found),
        *_of_sources(evidence.found, "unseeded", "unseeded source"),
        *_of_sources(evidence.found, "not_seeded", "program without seed"),
        *([_cause("order on a GPU", "order of sums on the GPU")] if evidence.gpu else []),
        *moments,
    ]
    agree = evidence.prediction is not None and evidence.prediction.kind == "expected identical"
    excluded = {kind for kind, rule in cause_rules().items() if rule.measured and agree}
    kept = [cause for cause in causes if cause.kind not in excluded]
    return tuple(sorted(kept, key=lambda cause: _rank(cause, small=differs_little(evidence.comparisons))))


def _rank(cause: Cause, *, small: bool) -> tuple[int, int, int]:
    """What decides before what may; stable within a kind, which findings have in their own order."""
    kinds = list(cause_rules())
    group = cause_rules()[cause.kind].group
    return (
        (cause.certainty != "decides") + 2 * (group == "moment"),
        _ORDERS[small].index(group),
        kinds.index(cause.kind),
    )


def differs_little(comparisons: Sequence[Comparison]) -> bool:
    """True when outputs differ in numbers alone, and by no more than rounding may grow to."""
    apart = [item for item in comparisons if item.differing and not item.only_fleeting]
    return bool(apart) and all(_little(item.max_relative, SMALL) or _little(item.max_absolute, TINY) for item in apart)


def _little(distance: float | None, most: float) -> bool:
    return distance is not None and distance <= most


def _of_findings(evidence: Evidence) -> Iterator[Cause]:
    kinds = {rule: kind.kind for kind in cause_rules().values() for rule in kind.rules}
    wins = _own_seeds(evidence.found)
    for finding in evidence.findings:
        if finding.effect not in (Effect.WILL, Effect.MAY):
            continue
        kind = kinds.get(finding.rule, "switch")
        certain = finding.effect is Effect.WILL and not (kind == "seed" and wins)
        yield Cause(
            kind=kind,
            subject=finding.subject,
            recorded=finding.recorded,
            seen=finding.seen,
            certainty="decides" if certain else "may",
            why=f"{finding.detail}, but the script sets its own: {wins}" if kind == "seed" and wins else finding.detail,
            source=rule_source(finding.rule),
        )


def _of_operations(numerics: Agreement | None, prediction: Prediction | None) -> Iterator[Cause]:
    """The run's own operations that gave other bits; the probe's where the run's are not known to."""
    if prediction is not None and prediction.disagreeing:
        certainty = "decides" if prediction.kind == "expected different" else "may"
        for name in prediction.disagreeing[:MOST]:
            yield _cause("operation", name).model_copy(update={"certainty": certainty})
    elif numerics is not None and numerics.disagreeing and (prediction is None or prediction.kind == "cannot tell"):
        total = numerics.agreeing + len(numerics.disagreeing)
        some = f"{len(numerics.disagreeing):,} of {total:,} operations of the numeric probe"
        yield _cause("probed operation", some, name_some(numerics.disagreeing))


def _of_pins(found: tuple[Found, Found]) -> Iterator[Cause]:
    """Pins that took on neither side: what they should have fixed is as each machine has it."""
    missed = [missed_pins(side) for side in found]
    for pin in sorted(missed[0].keys() & missed[1].keys())[:MOST]:
        if missed[0][pin] == missed[1][pin]:
            yield _cause("numerics profile", f"pin {pin}", *(f"did not take: {side[pin]}" for side in missed))


def _own_seeds(found: tuple[Found, Found]) -> str:
    """The first seed that a script set itself in both runs, which wins over the one asked for."""
    one, other = (side.get("own_seeds") for side in found)
    first = one[0] if isinstance(one, list) and one == other and one else None
    return shown(render_source(first, "own_seeds")) if isinstance(first, dict) else ""


def _of_sources(found: tuple[Found, Found], name: str, kind: str) -> Iterator[Cause]:
    """What either run was seen to draw without a seed, with file and line, and how often on each side."""
    counts: list[dict[str, JsonValue]] = []
    for side in found:
        entries = side.get(name)
        told = [item for item in entries if isinstance(item, dict)] if isinstance(entries, list) else []
        counts.append({render_source(item, name): item.get("count") for item in told})
    for place in sorted({*counts[0], *counts[1]})[:MOST]:
        yield _cause(kind, place, *(_times(side.get(place)) for side in counts))


def _times(count: JsonValue) -> str:
    return "–" if not isinstance(count, int) else "once" if count == 1 else f"{count:,} times"


def _cause(kind: str, subject: str, recorded: str = "", seen: str = "") -> Cause:
    rule = cause_rules()[kind]
    return Cause(
        kind=kind,
        subject=shown(subject),
        recorded=shown(recorded),
        seen=shown(seen),
        certainty=rule.certainty,
        why=rule.reason,
        source=rule.source,
    )
