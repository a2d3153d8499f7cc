"""Two runs side by side: every part in which they differ. The first of each pair is called recorded, the other seen.

What a run took (seconds, memory) and what it said (its log) are never the same twice and are not compared.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal

from reprobuild.ground.digests import short
from reprobuild.ground.documents import Document
from reprobuild.ground.text import shown
from reprobuild.hardware.compare import find_differences
from reprobuild.hardware.findings import Finding
from reprobuild.lock.index import LockIndex
from reprobuild.numerics.compare import Agreement
from reprobuild.record.document import DataUse, Record
from reprobuild.verdict.causes import Evidence, rank_causes
from reprobuild.verdict.decide import decide
from reprobuild.verdict.document import Cause, Check, Comparison, Outcome

NOTHING = "–"


class Change(Document):
    """One thing that is not the same in both runs; NOTHING where a run has none."""

    subject: str
    recorded: str
    seen: str
    detail: str = ""


class RunComparison(Document):
    """What `runs compare` says; each part is empty where the runs agree."""

    format: Literal["reprobuild.comparison/1"] = "reprobuild.comparison/1"
    runs: tuple[str, str]
    same: bool
    checks: tuple[Check, ...]
    """Ending, outputs and metrics, those that are the same too."""
    outputs: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    """Of request, machine and software; the likeliest cause of other bits first."""
    source: tuple[Change, ...]
    lock: tuple[Change, ...]
    data: tuple[Change, ...]
    other: tuple[Change, ...]
    causes: tuple[Cause, ...] = ()
    """Of other results, the likeliest first."""


def compare_runs(
    runs: tuple[str, str],
    records: tuple[Record, Record],
    outputs: Sequence[Comparison],
    source: Sequence[Change],
    lock: Sequence[Change],
    numerics: Agreement | None = None,
) -> RunComparison:
    """Everything that differs; `numerics` is what the probe got, and the rest of files that the caller has compared."""
    recorded, seen = records
    checks = decide(recorded.asked, recorded, seen, outputs).checks
    findings = find_differences(
        (recorded.asked, seen.asked), (recorded.found, seen.found), (recorded.fingerprint, seen.fingerprint)
    )
    data = tuple(compare_data(recorded.data, seen.data))
    other = tuple(_other(recorded, seen))
    same = (Outcome.SAME, Outcome.SAME_BYTES)
    evidence = Evidence(
        findings=findings,
        found=(recorded.found, seen.found),
        comparisons=outputs,
        checks=checks,
        numerics=numerics,
        changes=list(_changes(findings, source, lock, data, other)),
        gpu=bool(recorded.fingerprint.gpus and seen.fingerprint.gpus and recorded.asked.gpu and seen.asked.gpu),
    )
    return RunComparison(
        runs=runs,
        same=all(check.outcome in same for check in checks) and not any((findings, source, lock, data, other)),
        checks=checks,
        outputs=tuple(outputs),
        findings=findings,
        source=tuple(source),
        lock=tuple(lock),
        data=data,
        other=other,
        causes=rank_causes(evidence),
    )


def _changes(
    findings: Sequence[Finding],
    source: Sequence[Change],
    lock: Sequence[Change],
    data: Sequence[Change],
    other: Sequence[Change],
) -> Iterator[tuple[str, str, str, str]]:
    """What of the two runs' inputs can be a cause: of a data set its content, of the lock what no finding tells."""
    told = {finding.subject.rpartition(" ")[2] for finding in findings if finding.rule == "package"}
    yield from (
        ("code", ", ".join(filter(None, (item.subject, item.detail))), item.recorded, item.seen) for item in source
    )
    yield from (("data", item.subject, item.recorded, item.seen) for item in data if ": " not in item.subject)
    packages = [item for item in lock if item.subject.partition(" ")[2] and not item.subject.startswith("input ")]
    yield from (
        ("image" if ": " in item.subject else "package", item.subject, item.recorded, item.seen)
        for item in packages
        if item.subject.partition(" ")[2] not in told
    )
    yield from (("image", item.subject, item.recorded, item.seen) for item in other if item.subject == "image")


def change(subject: str, recorded: object, seen: object, detail: str = "") -> Change:
    """A change whose texts a stranger may have written."""
    texts = [NOTHING if side is None else shown(str(side)) for side in (recorded, seen)]
    return Change(subject=shown(subject), recorded=texts[0], seen=texts[1], detail=shown(detail))


def _other(recorded: Record, seen: Record) -> Iterator[Change]:
    """What is neither asked nor found nor left behind."""
    pairs = {
        "project": (recorded.project, seen.project),
        "image": (short(recorded.image), short(seen.image)),
        "reprobuild": (recorded.reprobuild, seen.reprobuild),
    }
    for name in ("timeout", "outputs", "metrics", "tolerances", "env"):
        pairs[name] = (_spell(getattr(recorded.asked, name)), _spell(getattr(seen.asked, name)))
    yield from (change(subject, *pair) for subject, pair in pairs.items() if pair[0] != pair[1])


def _spell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {item}" for name, item in sorted(value.items())) or NOTHING
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or NOTHING
    return NOTHING if value is None else str(value)


def compare_data(recorded: Mapping[str, DataUse], seen: Mapping[str, DataUse]) -> Iterator[Change]:
    """Data sets that are not the same, or not told of in the same way."""
    for name in sorted({*recorded, *seen}):
        one, other = recorded.get(name), seen.get(name)
        if one is None or other is None or one.sha256 != other.sha256:
            yield change(name, one and _set(one), other and _set(other))
            continue
        for fact in ("path", "licence", "origin", "preprocessing"):
            text, seen_text = (getattr(side, fact) or None for side in (one, other))
            if text != seen_text:
                yield change(f"{name}: {fact}", text, seen_text)


def _set(data: DataUse) -> str:
    return f"{data.files} files, {data.size} bytes, {short(data.sha256)}"


def compare_locks(recorded: LockIndex, seen: LockIndex) -> Iterator[Change]:
    """Packages by name, versions first; then what else the two locks do not share."""
    sides = [_packages(index) for index in (recorded, seen)]
    for name in sorted({*sides[0], *sides[1]}):
        if (one := sides[0].get(name)) != (other := sides[1].get(name)):
            yield _package(name, one, other)
    if recorded.python != seen.python:
        yield change("Python", recorded.python, seen.python)
    if recorded.transform != seen.transform:
        yield change("transform", recorded.transform, seen.transform)
    if recorded.base.name != seen.base.name:
        yield change("base", recorded.base.name, seen.base.name)
    for subject, a, b in (
        ("base", recorded.base, seen.base),
        ("CUDA", recorded.cuda, seen.cuda),
        ("origin", recorded.origin, seen.origin),
    ):
        if a != b and (subject != "base" or recorded.base.name == seen.base.name):
            yield change(f"{subject}: {_first_field(a, b)}", "one", "another")
    for name in sorted({*recorded.inputs, *seen.inputs}):
        before, after = recorded.inputs.get(name), seen.inputs.get(name)
        if before != after:
            yield change(f"input {name}", before and short(before), after and short(after))


def _first_field(recorded: Document | None, seen: Document | None) -> str:
    """The first field in which two documents differ."""
    if recorded is None or seen is None:
        return "only one lock has it"
    fields = type(recorded).model_fields
    return next((name for name in fields if getattr(recorded, name) != getattr(seen, name)), "its kind")


Versions = tuple[tuple[str, str], ...]
"""Of one package: version and digest, sorted."""


def _packages(index: LockIndex) -> dict[str, Versions]:
    """The versions of each package; layers of one repository share a name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for item in index.artifacts:
        found.setdefault(f"{item.kind} {item.name}", []).append((item.version, item.sha256))
    return {name: tuple(sorted(items)) for name, items in found.items()}


def _package(name: str, recorded: Versions | None, seen: Versions | None) -> Change:
    one, other = (side and ", ".join(version for version, _ in side) for side in (recorded, seen))
    if one != other:
        return change(name, one, other)
    one, other = (side and ", ".join(f"{version} ({short(sha256)})" for version, sha256 in side)
                  for side in (recorded, seen))  # fmt: skip
    return change(name, one, other, "another file of the same version")


def counted(comparison: RunComparison) -> int:
    """How many differences there are."""
    apart = [check for check in comparison.checks if check.outcome not in (Outcome.SAME, Outcome.SAME_BYTES)]
    parts = (comparison.findings, comparison.source, comparison.lock, comparison.data, comparison.other)
    return len(apart) + sum(1 for _ in chain(*parts))
