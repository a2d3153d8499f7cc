"""The signatures of a run: which operations its processes asked for, and a digest of each made again from integers.

All of it was told by programs that nobody vouches for, so it is bounded and read strictly; what is not understood is a
gap in what was seen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, JsonValue, ValidationError

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.documents import Document

MOST = 4000
"""Signatures that are kept of all processes together."""
MAX_LINES = 200
PARTS, DIGITS = 32, 4
"""Parts of a digest, and hexadecimal digits of each (`reprobuild_probe/parts.py`)."""
Count = Annotated[int, Field(ge=0, lt=1 << 62)]
Line = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=300)]
Where = Literal["forward", "backward", "optimizer", "other"]
SILENT = "a process ended before it told its operations"
UNREAD = "what a process told cannot be read"
SHORT = {"float": "f", "bfloat": "bf", "int": "i", "uint": "u", "complex": "c"}


class Call(Document):
    """An operation of PyTorch with all that decides its bits, and where a training called it."""

    operation: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+::[A-Za-z0-9_]+\.[A-Za-z0-9_]+$", max_length=200)]
    inputs: Annotated[tuple[JsonValue, ...], Field(max_length=100)]
    options: Annotated[dict[Line, JsonValue], Field(max_length=100)]
    step: Count
    """The first step of an optimiser in which it was called, from 1 on."""
    steps: Count
    """In how many steps it was called, what comes after the last one being one more."""
    calls: Count
    where: Annotated[tuple[Where, ...], Field(max_length=4)]


class Result(Document):
    """What came of calls that were made again: `values` numbers in each of `turns`, or why they could not be made."""

    digest: Annotated[str, Field(pattern=r"^([0-9a-f]{128})?$")] = ""
    values: Count = 0
    turns: Count = 0
    error: Line = ""


class Settings(Document):
    """What else decides the bits of an operation, as it was when the training ended."""

    threads: Annotated[int, Field(ge=1, le=4096)] = 1
    deterministic: bool = True
    matmul_precision: Literal["highest", "high", "medium"] = "highest"
    mkldnn: bool = True
    cudnn: dict[Literal["benchmark", "deterministic", "allow_tf32"], bool] = Field(default_factory=dict)
    changed: Annotated[tuple[Line, ...], Field(max_length=MAX_LINES)] = ()
    """Variables that choose arithmetic, and that the training's process set otherwise than it was started with."""


class Told(Document):
    """The key `signatures` of what one process tells."""

    seen: Annotated[tuple[Call, ...], Field(max_length=MOST)]
    complete: bool
    gaps: Annotated[tuple[Line, ...], Field(max_length=MAX_LINES)]
    missed: Count | None
    hidden: Annotated[tuple[Line, ...], Field(max_length=MAX_LINES)]
    settings: Settings = Settings()
    steps: Count
    operations: Count
    parameters: Count = 0
    seconds: Annotated[float, Field(ge=0, le=1e9)]


class Signatures(Document):
    """Of a whole run."""

    seen: Annotated[tuple[Call, ...], Field(max_length=MOST)]
    gaps: Annotated[tuple[Line, ...], Field(max_length=MAX_LINES)]
    """Why not all was seen; none: all was, but what is hidden."""
    missed: Count | None
    """The step from which on operations were not seen."""
    hidden: Annotated[tuple[Line, ...], Field(max_length=MAX_LINES)]
    """Libraries, compilers and operations whose arithmetic goes through no dispatch."""
    settings: Settings
    steps: Count
    """Of optimisers, in the process with the most."""
    operations: Count
    parameters: Count
    """Bytes that the optimisers changed."""
    seconds: Annotated[float, Field(ge=0, le=1e9)]
    """CPU time that seeing took."""
    results: Annotated[tuple[Result, ...], Field(max_length=MOST)] = ()
    """Of `seen`, in its order, where the run was; none: they were not made again."""


def merge_signatures(processes: Sequence[Mapping[str, JsonValue]], unread: int = 0) -> Signatures:
    """Those of all processes of a run, as each told of itself; what `unread` processes did is not known."""
    told: list[Told] = []
    gaps = {UNREAD} if unread else set()
    for process in processes:
        if "signatures" in process:
            try:
                told.append(Told.model_validate_json(canonical_json(process["signatures"])))
            except (ValidationError, ValueError):
                gaps.add("a process told something that is no signature")
        elif process.get("helper") is not True:
            gaps.add(SILENT)
    if _silent_forks(processes):
        gaps.add(SILENT)
    seen = _merge_calls(call for one in told for call in one.seen)
    if len(seen) > MOST:
        gaps.add(f"more than {MOST} operations differ in something")
    gaps |= {gap for one in told for gap in one.gaps}
    busiest = max(told, key=lambda one: one.operations, default=None)
    return Signatures(
        seen=tuple(seen[:MOST]),
        gaps=tuple(sorted(gaps)[:MAX_LINES]),
        missed=min((one.missed for one in told if one.missed is not None), default=None),
        hidden=tuple(sorted({name for one in told for name in one.hidden})[:MAX_LINES]),
        settings=busiest.settings if busiest else Settings(),
        steps=max((one.steps for one in told), default=0),
        operations=sum(one.operations for one in told),
        parameters=max((one.parameters for one in told), default=0),
        seconds=round(sum(one.seconds for one in told), 3),
    )


def _silent_forks(processes: Iterable[Mapping[str, JsonValue]]) -> bool:
    """True when a process forked more children that tell at their ends alone than did (`silent_forks`, `late`)."""
    left = 0
    for process in processes:
        forks = process.get("silent_forks")
        left += forks if isinstance(forks, int) else 0
        left -= process.get("late") is True
    return left > 0


def _merge_calls(calls: Iterable[Call]) -> list[Call]:
    """One for each signature, in the order of steps and names."""
    found: dict[bytes, Call] = {}
    for call in calls:
        key = canonical_json([call.operation, list(call.inputs), call.options])
        if before := found.get(key):
            where = tuple(sorted({*before.where, *call.where}))
            both: dict[str, object] = {"step": min(before.step, call.step), "calls": before.calls + call.calls}
            both |= {"where": where, "steps": max(before.steps, call.steps)}
            call = before.model_copy(update=both)
        found[key] = call
    return [call for _, call in sorted(found.items(), key=lambda item: (item[1].step, item[0]))]


def differing_parts(recorded: str, seen: str) -> int:
    """How many of two digests' parts differ."""
    places = range(0, PARTS * DIGITS, DIGITS)
    return sum(recorded[place : place + DIGITS] != seen[place : place + DIGITS] for place in places)


def name_call(call: Call) -> str:
    """A call in a few words: `aten::mm.default f32[32,20] f32[20,32]`."""
    tensors = list(_tensors(call.inputs))
    return " ".join([call.operation, *tensors[:3], *(["…"] if len(tensors) > 3 else [])])


def _tensors(values: Sequence[JsonValue]) -> Iterator[str]:
    for value in values:
        if isinstance(value, list):
            yield from _tensors(value)
        elif isinstance(value, dict) and isinstance(shape := value.get("shape"), list):
            name = str(value.get("tensor"))[:20]
            kind = name.rstrip("0123456789")
            yield f"{SHORT.get(kind, kind)}{name[len(kind) :]}[{','.join(str(size) for size in shape[:10])}]"
