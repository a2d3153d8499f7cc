"""docs/proof.json, what `make proof` found, and the tables that docs/proof.md and the README show of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from builders.cases import MACHINES, PROFILES, read_cases

from reprobuild.ground.documents import Document
from reprobuild.numerics.prediction import Prediction, held

Outcome = Literal["identical", "equivalent", "different", "unchecked", "failed"]
Expectation = Literal["expected identical", "expected different", "cannot tell"]
MARKS: Mapping[Outcome | None, str] = {
    "identical": "=",
    "equivalent": "≈",
    "different": "≠",
    "unchecked": "?",
    "failed": "✗",
    None: "",
}
EXPECTED: Mapping[Expectation | None, str] = {
    "expected identical": "=",
    "expected different": "≠",
    "cannot tell": "?",
    None: "",
}
BEGIN, END = "<!-- proof: written by make proof -->", "<!-- /proof -->"


class Cell(Document):
    """One replay: `seconds` of its training, `reason` the verdict's first."""

    case: str
    profile: Literal["portable", "native"]
    machine: str
    verdict: Outcome
    reason: str
    prediction: Expectation | None
    seconds: float

    @property
    def wrong(self) -> bool:
        """True when a result was expected and another came."""
        return self.prediction is not None and held(Prediction(kind=self.prediction, reasons=()), self.verdict) is False


class Control(Document):
    """What came of a case under a change that it must not survive."""

    case: str
    change: str
    verdict: Outcome


class Proof(Document):
    """All of it, and where it was made; cells that were not run are not there."""

    format: Literal["reprobuild.proof/1"] = "reprobuild.proof/1"
    date: str
    commit: str
    cpu: str
    cores: int
    qemu: str
    versions: dict[str, str]
    cells: tuple[Cell, ...]
    controls: tuple[Control, ...]

    def of(self, profile: str) -> list[Cell]:
        """The cells of a profile."""
        return [cell for cell in self.cells if cell.profile == profile]


def replace_part(page: str, part: str) -> str:
    """A page with `part` between its markers."""
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return f"{page[:begin]}\n{part}{page[end:]}"


def render_short(proof: Proof) -> str:
    """What the README shows: the portable profile's table, both profiles' shares of identical cells, predictions."""
    shares = [_share(proof, profile) for profile in PROFILES]
    told = next(_predictions(proof))
    return "\n".join([*_table(proof, "portable", expected=False), "", *shares, told, ""])


def render_proof(proof: Proof) -> str:
    """What docs/proof.md shows: where, both tables, what is not identical and why, predictions and controls."""
    versions = ", ".join(f"{name} {version}" for name, version in sorted(proof.versions.items()))
    lines = [
        f"{proof.date}, commit {proof.commit}, on {proof.cpu} with {proof.cores} cores; {proof.qemu}; {versions}.",
    ]
    for profile in PROFILES:
        lines += [
            "",
            f"### {profile.capitalize()}",
            "",
            *_table(proof, profile, expected=True),
            "",
            _share(proof, profile),
        ]
    odd = [cell for cell in proof.of("portable") if cell.verdict != "identical"]
    lines += (
        ["", *(f"- {cell.case} on {cell.machine}: {cell.verdict}: {_plain(cell.reason)}" for cell in odd)]
        if odd
        else []
    )
    return "\n".join([*lines, "", *_predictions(proof), "", *_controls(proof), ""])


def _table(proof: Proof, profile: str, *, expected: bool) -> Iterator[str]:
    found = {(cell.case, cell.machine): cell for cell in proof.of(profile)}
    yield f"| {profile} | " + " | ".join(machine.name for machine in MACHINES) + " |"
    yield "|---" + "|:-:" * len(MACHINES) + "|"
    for case in read_cases().values():
        cells = (found.get((case.name, machine.name)) for machine in MACHINES)
        yield f"| {case.title} | " + " | ".join(_mark(cell, expected=expected) for cell in cells) + " |"


def _mark(cell: Cell | None, *, expected: bool) -> str:
    if cell is None:
        return ""
    told = EXPECTED[cell.prediction] if expected else ""
    return MARKS[cell.verdict] + (f" ({told})" if told else "")


def _share(proof: Proof, profile: str) -> str:
    cells = proof.of(profile)
    same = sum(cell.verdict == "identical" for cell in cells)
    wanted = len(read_cases()) * len(MACHINES)
    left = f"; {wanted - len(cells)} cells were not run" if len(cells) < wanted else ""
    share = f" ({100 * same / len(cells):.0f} %)" if cells else ""
    return f"{same} of {len(cells)} replays under `{profile}` are identical{share}{left}."


def _predictions(proof: Proof) -> Iterator[str]:
    told = [cell for cell in proof.cells if cell.prediction]
    certain = [cell for cell in told if cell.prediction != "cannot tell"]
    wrong = [cell for cell in told if cell.wrong]
    yield f"Predicted before training: {len(certain)} of {len(told)} cells; of these, wrong: {len(wrong)}."
    yield from (
        f"- {cell.case}, {cell.profile}, {cell.machine}: {cell.prediction}, and {cell.verdict}" for cell in wrong
    )


def _controls(proof: Proof) -> Iterator[str]:
    found = {control.case: control for control in proof.controls}
    yield "| negative control | change | came out |"
    yield "|---|---|---|"
    for case in read_cases().values():
        control = found.get(case.name)
        yield f"| {case.title} | {case.control} | {control.verdict if control else ''} |"


def _plain(text: str) -> str:
    return re.sub(r"[|<>\n]", " ", text)
