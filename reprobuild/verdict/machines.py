"""Two requests and two machines side by side: what is not the same, and what it does to the bits of a result.

The sides are strangers' documents: facts of an unexpected shape are compared as they are.
"""

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import chain

from pydantic import JsonValue

from reprobuild.ground.text import shown
from reprobuild.record.document import Asked, Fingerprint
from reprobuild.verdict.document import Effect, Finding

VECTOR_SETS = frozenset(
    [
        *("sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"),
        *("avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "asimd", "sve", "sve2"),
    ]
)
"""Instruction sets by which numerical libraries choose their kernels, as /proc/cpuinfo names them."""
NOTHING = "–"
_ORDER = list(Effect)


def find_differences(
    asked: tuple[Asked, Asked],
    found: tuple[Mapping[str, JsonValue], Mapping[str, JsonValue]],
    fingerprints: tuple[Fingerprint, Fingerprint],
) -> tuple[Finding, ...]:
    """Everything that is not the same, recorded first in each pair; the likeliest cause of other bits first."""
    findings = chain(
        compare_requests(*asked),
        () if asked[0].seed != asked[1].seed else compare_seeds(*found),
        compare_found(*found),
        compare_threads(*found),
        compare_machines(*fingerprints),
    )
    return tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.effect)))


def compare_requests(recorded: Asked, seen: Asked) -> Iterator[Finding]:
    """What was asked otherwise than recorded."""
    if recorded.seed != seen.seed:
        yield _finding("seed", recorded.seed, seen.seed, Effect.WILL, "another request: --seed was given")
    for name in ("command", "threads", "hyperparameters", "params", "gpu"):
        yield from _unequal(name, getattr(recorded, name), getattr(seen, name), Effect.WILL)


def compare_seeds(recorded: Mapping[str, JsonValue], seen: Mapping[str, JsonValue]) -> Iterator[Finding]:
    """Which generators were seeded, and with what."""
    for name, a, b in _pairs(_table(recorded.get("seeds")), _table(seen.get("seeds"))):
        yield _finding(f"seed of {name}", a, b, Effect.WILL)


def compare_found(recorded: Mapping[str, JsonValue], seen: Mapping[str, JsonValue]) -> Iterator[Finding]:
    """What was in force inside: switches, which variables of the host were set, and what went wrong."""
    for name, a, b in _pairs(_table(recorded.get("switches")), _table(seen.get("switches"))):
        yield _finding(name, a, b, Effect.MAY)
    for name, a, b in _pairs(_table(recorded.get("environment")), _table(seen.get("environment"))):
        yield _finding(f"variable {name}", a, b, Effect.MAY, "passed through from this machine")
    yield from _unequal("problems", recorded.get("problems", []), seen.get("problems", []), Effect.MAY)


def compare_threads(recorded: Mapping[str, JsonValue], seen: Mapping[str, JsonValue]) -> Iterator[Finding]:
    """How many threads each library took: sums are split by them."""
    for name, a, b in _pairs(_table(recorded.get("threads")), _table(seen.get("threads"))):
        yield _finding(f"threads by {name}", a, b, Effect.MAY, "sums are split by threads")


def compare_machines(recorded: Fingerprint, seen: Fingerprint) -> Iterator[Finding]:
    """Facts that differ between two machines and their software, the likeliest cause first."""
    yield from _vector_sets(recorded.cpu, seen.cpu)
    yield from _libraries(recorded.libraries, seen.libraries)
    yield from _unequal("GPUs", recorded.gpus, seen.gpus, Effect.MAY)
    for name in ("vendor", "name", "family", "model"):
        detail = "libraries choose kernels by it, and approximate instructions differ by maker"
        yield from _unequal(f"CPU {name}", recorded.cpu.get(name), seen.cpu.get(name), Effect.MAY, detail)
    for name, one, other in _pairs(dict(recorded.packages), dict(seen.packages)):
        yield _finding(f"package {name}", one, other, Effect.MAY)
    yield from _unequal("Python", recorded.python, seen.python, Effect.MAY)
    yield from _unequal("C library", recorded.libc, seen.libc, Effect.MAY, "its mathematical functions")
    detail = "only where a library counts cores itself"
    yield from _unequal("CPU cores", recorded.cpu.get("cores"), seen.cpu.get("cores"), Effect.UNLIKELY, detail)
    for name in ("stepping", "microcode"):
        yield from _unequal(f"CPU {name}", recorded.cpu.get(name), seen.cpu.get(name), Effect.UNLIKELY)
    yield from _other_flags(recorded.cpu, seen.cpu)
    yield from _unequal("kernel", recorded.kernel, seen.kernel, Effect.UNLIKELY)
    yield from _unequal("engine", _engine(recorded), _engine(seen), Effect.UNLIKELY, "the same image ran in both")
    memory, other = (f"{side.memory_bytes / 1e9:.1f} GB" for side in (recorded, seen))
    yield from _unequal("memory", memory, other, Effect.NONE)


def _engine(side: Fingerprint) -> str:
    return NOTHING if side.engine is None else f"{side.engine.name} {side.engine.version}".rstrip()


def _vector_sets(recorded: Mapping[str, JsonValue], seen: Mapping[str, JsonValue]) -> Iterator[Finding]:
    a, b = _flags(recorded) & VECTOR_SETS, _flags(seen) & VECTOR_SETS
    yield from _sets("CPU vector instructions", a, b, Effect.MAY, "libraries choose kernels by them")


def _other_flags(recorded: Mapping[str, JsonValue], seen: Mapping[str, JsonValue]) -> Iterator[Finding]:
    yield from _sets("other CPU flags", _flags(recorded) - VECTOR_SETS, _flags(seen) - VECTOR_SETS, Effect.UNLIKELY)


def _sets(subject: str, recorded: Set[str], seen: Set[str], effect: Effect, detail: str = "") -> Iterator[Finding]:
    """What either side has alone."""
    if recorded != seen:
        one, other = (" ".join(sorted(only)) or "no others" for only in (recorded - seen, seen - recorded))
        yield _finding(subject, one, other, effect, detail)


def _flags(cpu: Mapping[str, JsonValue]) -> set[str]:
    flags = cpu.get("flags")
    return {flag for flag in flags if isinstance(flag, str)} if isinstance(flags, list) else set()


def _libraries(
    recorded: Sequence[Mapping[str, JsonValue]], seen: Sequence[Mapping[str, JsonValue]]
) -> Iterator[Finding]:
    """BLAS and OpenMP in the training process, by file: the kernels they chose, their threads, their build."""
    sides = [{str(item.get("file", item.get("name"))): item for item in side} for side in (recorded, seen)]
    details = {"core": "the kernels that it chose for this CPU", "threads": "sums are split by threads"}
    for file in sorted(sides[0].keys() | sides[1].keys()):
        short = file.rpartition("/")[2]
        if file not in sides[0] or file not in sides[1]:
            a, b = ("loaded" if file in side else NOTHING for side in sides)
            yield _finding(f"library {short}", a, b, Effect.MAY)
            continue
        for fact, x, y in _pairs(sides[0][file], sides[1][file]):
            yield _finding(f"{fact} of {short}", x, y, Effect.MAY, details.get(fact, ""))


def _pairs(
    recorded: Mapping[str, JsonValue], seen: Mapping[str, JsonValue]
) -> Iterator[tuple[str, JsonValue, JsonValue]]:
    for name in sorted({*recorded, *seen}):
        one, other = recorded.get(name), seen.get(name)
        if one != other:
            yield name, one, other


def _table(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _unequal(subject: str, recorded: object, seen: object, effect: Effect, detail: str = "") -> Iterator[Finding]:
    if recorded != seen:
        yield _finding(subject, recorded, seen, effect, detail)


def _finding(subject: str, recorded: object, seen: object, effect: Effect, detail: str = "") -> Finding:
    return Finding(
        subject=shown(subject), recorded=_text(recorded), seen=_text(seen), effect=effect, detail=detail
    )  # fmt: skip


def _text(value: object) -> str:
    if value is None:
        return NOTHING
    return shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True))
