"""Whether a replay is expected to give the same bits, said before it starts: from operations, not from CPUs' names."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from reprobuild.ground.documents import Document
from reprobuild.numerics.signatures import PARTS, Call, Result, Signatures, differing_parts, name_call

Kind = Literal["expected identical", "expected different", "cannot tell"]
EVIDENCE = 1000
"""Numbers of a training that are likely to differ before it is said that its result will: most of them are rounded
away again when a small step is added to a large weight."""
SHOWN = 5
AUXILIARY = ("numpy",)
"""What a training with PyTorch uses beside it, and the numeric probe covers; any other hidden library is a reason."""
ALWAYS = ("libm", "math")
"""Python's own arithmetic is nowhere seen; the numeric probe has to agree on it."""


class Prediction(Document):
    """What is expected, why, and which operations of the run give other results here."""

    kind: Kind
    reasons: tuple[str, ...]
    disagreeing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Side:
    """What one machine computed: the probe's digests by name, and the results of the run's own calls in their order."""

    operations: Mapping[str, str]
    results: Sequence[Result]
    missed_pins: Sequence[str] = ()
    """Pins that did not take."""


def predict(run: Signatures, recorded: Side, seen: Side, outputs: int, *, doubts: Sequence[str] = ()) -> Prediction:
    """The prediction for a replay here; `doubts` are reasons for which equal bits cannot be promised, whatever agrees.

    `outputs` are bytes of what the run left and is compared, its metrics aside: a difference in the weights is no
    difference of the result where they are not in it.
    """
    pairs = list(zip(run.seen, recorded.results, seen.results, strict=False))
    apart = [(call, a, b) for call, a, b in pairs if a.digest and b.digest and a.digest != b.digest]
    names = tuple(_from_step(call) for call, _, _ in apart)
    telling = [call for call, a, b in apart if _tells(run, call, a, b)]
    kept = 2 * outputs >= run.parameters > 0
    if telling and kept:
        return Prediction(kind="expected different", reasons=_first(map(_from_step, telling)), disagreeing=names)
    reasons = [*doubts, *_open_questions(run, recorded, seen, pairs)]
    if apart:
        why = "its results may reach nothing that is compared" if not telling or not kept else "it gives others here"
        reasons = [f"{name} disagrees: {why}" for name in names[:SHOWN]] + reasons
    if reasons:
        return Prediction(kind="cannot tell", reasons=tuple(reasons), disagreeing=names)
    return Prediction(kind="expected identical", reasons=(f"all {len(pairs)} signatures of the run agree",))


def render_prediction(prediction: Prediction) -> str:
    """The expectation and its reasons in one line."""
    return f"{prediction.kind} ({'; '.join(prediction.reasons[:SHOWN])})"


def held(prediction: Prediction, verdict: str) -> bool | None:
    """Whether a verdict is what was expected; None where nothing was, or nothing could be checked."""
    if prediction.kind == "cannot tell" or verdict == "unchecked":
        return None
    return (prediction.kind == "expected identical") == (verdict == "identical")


def _tells(run: Signatures, call: Call, recorded: Result, seen: Result) -> bool:
    """Whether a disagreement changes the weights as good as surely.

    A single number that is worked out going forward is mostly the loss, whose value no gradient needs; what is worked
    out outside of graphs and steps, or in few of the steps, is mostly an evaluation.
    """
    forward = "forward" in call.where and recorded.values > 1 and 2 * call.steps > run.steps + 1
    reaches = {"backward", "optimizer"} & {*call.where} or forward
    return bool(reaches) and _differing(call, recorded, seen) >= EVIDENCE


def _differing(call: Call, recorded: Result, seen: Result) -> float:
    """About how many of the numbers differ that a run works out by a call.

    Numbers differ here and there: the share of parts without one says how often, as in a Poisson process.
    """
    same = max(0.5, PARTS - differing_parts(recorded.digest, seen.digest))
    in_part = max(1.0, recorded.values * recorded.turns / PARTS)
    return call.calls * recorded.values * min(1.0, math.log(PARTS / same) / in_part)


def _open_questions(
    run: Signatures, recorded: Side, seen: Side, pairs: Sequence[tuple[Call, Result, Result]]
) -> Iterator[str]:
    """Why agreement of what was seen promises nothing."""
    if not run.seen:
        yield "no operation of PyTorch was seen"
    since = f" from step {run.missed} on" if run.missed is not None else ""
    yield from (f"not all operations were seen{since}: {gap}" for gap in run.gaps[:SHOWN])
    hidden = [name for name in run.hidden if not run.seen or name not in AUXILIARY]
    if hidden:
        yield f"operations hidden in compiled code: {', '.join(hidden[:SHOWN])}"
    if any(_on_gpu(call.inputs) or _on_gpu([*call.options.values()]) for call in run.seen):
        yield "some operations on a GPU add in no fixed order, and only warn of it"
    if len(pairs) < len(run.seen):
        yield "the run's operations were not made again on both machines"
    for call, a, b in pairs:
        if not (a.digest and b.digest):
            yield f"{name_call(call)}: it could not be made again: {a.error or b.error}"
            break
    for side, name in ((recorded, "recorded"), (seen, "seen")):
        yield from (f"pin {pin} did not take ({name})" for pin in side.missed_pins[:SHOWN])
    for library in (*ALWAYS, *(name for name in AUXILIARY if name in run.hidden and run.seen)):
        yield from _of_library(library, recorded.operations, seen.operations)


def _on_gpu(values: Sequence[JsonValue]) -> bool:
    """True when one of the arguments is on another device than the CPU."""
    return any(
        _on_gpu(value)
        if isinstance(value, list)
        else isinstance(value, dict) and not str(value.get("device", "cpu")).startswith(("cpu", "meta"))
        for value in values
    )


def _of_library(library: str, recorded: Mapping[str, str], seen: Mapping[str, str]) -> Iterator[str]:
    """Nothing where the probe agrees on a library whose use is not seen."""
    names = {name for name in recorded if name.startswith(f"{library}/")}
    if not names or not names <= seen.keys():
        yield f"the use of {library} is not seen, and the numeric probe has no results of it on both machines"
        return
    apart = sorted(name for name in names if recorded[name] != seen[name])
    if apart:
        yield f"the use of {library} is not seen, and {len(apart)} probed operations disagree: {', '.join(apart[:3])}"


def _from_step(call: Call) -> str:
    return f"{name_call(call)} from step {call.step}"


def _first(lines: Iterator[str]) -> tuple[str, ...]:
    found = list(lines)
    return tuple(found[:SHOWN] + ([f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []))
