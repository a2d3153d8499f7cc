"""Two requests and two machines side by side: what is not the same, and by the published rules what that does.

The sides are strangers' documents: facts of an unexpected shape are compared as they are.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import chain

from pydantic import JsonValue

from reprobuild.hardware.facts import Facts, machine_facts, software_facts
from reprobuild.hardware.findings import Finding
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.hardware.rules import judge, rank
from reprobuild.numerics.taken import missed_pins, taken_pins
from reprobuild.record.document import Asked
from reprobuild.record.hyperparameters import hyperparameters

REQUEST = ("seed", "command", "threads", "gpu", "numerics")
"""What of a request can change a result, beside its hyperparameters, and is not compared in another place."""
TOLD = ("seeds", "switches", "environment", "threads", "pins", "problems")


def find_differences(
    asked: tuple[Asked, Asked],
    found: tuple[Mapping[str, JsonValue], Mapping[str, JsonValue]],
    fingerprints: tuple[Fingerprint, Fingerprint],
) -> tuple[Finding, ...]:
    """Everything that is not the same, recorded first in each pair; the likeliest cause of other bits first."""
    requests = compare_facts(*(dict(_asked(side)) for side in asked))
    explained = {"seeds": asked[0].seed != asked[1].seed, "pins": asked[0].numerics != asked[1].numerics}
    told = [name for name in TOLD if not explained.get(name)]
    runs = compare_facts(*(dict(_found(side, told)) for side in found))
    gpu = asked[0].gpu or asked[1].gpu
    return tuple(sorted(chain(requests, runs, compare_fingerprints(*fingerprints, gpu=gpu)), key=rank))


def _asked(asked: Asked) -> Iterator[tuple[str, object]]:
    yield from ((f"asked.{name}", getattr(asked, name)) for name in REQUEST)
    for name, value in hyperparameters(asked):
        yield f"asked.hyperparameters.{name}", json.dumps(value, ensure_ascii=False, sort_keys=True)


def _found(found: Mapping[str, JsonValue], names: list[str]) -> Iterator[tuple[str, object]]:
    """What was in force inside: seeds, switches, threads, which variables were set, and what went wrong."""
    for name in names:
        value = found.get(name)
        if name == "pins":
            missed = missed_pins(found)
            yield from ((f"found.pins.{pin}", missed.get(pin, "took")) for pin in taken_pins(found))
        elif isinstance(value, dict):
            yield from ((f"found.{name}.{key}", item) for key, item in value.items())
        elif name == "problems":
            yield "found.problems", value or None


def compare_fingerprints(recorded: Fingerprint, seen: Fingerprint, *, gpu: bool) -> tuple[Finding, ...]:
    """What differs between two runs' machines and software; the worst first."""
    software = compare_facts(software_facts(recorded), software_facts(seen))
    return tuple(sorted(chain(software, compare_machines(recorded, seen, gpu=gpu)), key=rank))


def compare_machines(recorded: Fingerprint, seen: Fingerprint, *, gpu: bool) -> tuple[Finding, ...]:
    """What differs between two machines, software in an image left out; the worst first. `gpu`: was one passed?"""
    return tuple(sorted(compare_facts(machine_facts(recorded, gpu=gpu), machine_facts(seen, gpu=gpu)), key=rank))


def compare_facts(recorded: Facts, seen: Facts) -> Iterator[Finding]:
    """A finding for each fact that is not the same; of sets, what either side has alone."""
    for path in sorted({*recorded, *seen}):
        one, other = recorded.get(path), seen.get(path)
        if one == other or _covered(path, recorded, seen):
            continue
        if isinstance(one, frozenset) and isinstance(other, frozenset):
            yield judge(path, _alone(one - other), _alone(other - one))
        else:
            yield judge(path, one, other)


def _covered(path: str, recorded: Facts, seen: Facts) -> bool:
    """True for a fact of something that one side does not have at all: that it is missing is told once."""
    thing = path.rpartition(".")[0]
    if thing.startswith("gpus."):
        thing += ".name"
    return (thing in recorded) != (thing in seen) or (
        path.startswith("links.") and recorded.get("gpus") != seen.get("gpus")
    )


def _alone(items: frozenset[str]) -> str:
    return " ".join(sorted(items)) or "no others"
