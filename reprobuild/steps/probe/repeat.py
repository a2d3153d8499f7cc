"""The operations that a run asked for, made again in its image on this machine, so that two machines can be compared.

It must never cost a run or a replay more than a line: what went wrong is a note, and then nothing is predicted.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.documents import Document
from reprobuild.ground.errors import InputError, ReprobuildError
from reprobuild.numerics.document import Numerics
from reprobuild.numerics.signatures import MOST, Result, Signatures
from reprobuild.numerics.taken import missed_pins
from reprobuild.record.document import Asked
from reprobuild.record.folder import NUMERICS as NUMERICS_OF_RUN
from reprobuild.steps.probe.inquiry import Inquiry, Place
from reprobuild.tools.progress import Progress

MODULE = "reprobuild_probe.repeat"
KIND = "repeated"
"""Where finished ones are in the store."""
SUBJECT = "results"
QUESTION = "/run/reprobuild/signatures.json"
NO_TIME = "no time was left"
"""As the process tells it; another time there may be more, so that nothing is kept."""
SECONDS, EMULATED_SECONDS = 60.0, 600.0
"""CPU time for all calls of a run together; most take one or two."""
PATIENCE, EMULATED_PATIENCE = 600.0, 3600.0
"""Seconds until it is given up, on a machine that has other things to do."""
MAX_SIZE = 8 << 20
Variables = Mapping[str, str]


class Repeated(Document):
    """What came of the calls, in their order, and what the pins found in that process."""

    format: Literal["reprobuild.repeated/1"] = "reprobuild.repeated/1"
    results: Annotated[tuple[Result, ...], Field(max_length=MOST)] = ()
    pins: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def missed(self) -> tuple[str, ...]:
        """Pins that did not take."""
        return tuple(missed_pins({"pins": self.pins}))


def repeated(place: Place, asked: Asked, variables: Variables, run: Signatures, progress: Progress) -> Repeated:
    """The results of a run's calls here; none, and a note, when they could not be made."""
    if not run.seen:
        return Repeated()
    progress.begin("repeating the run's operations", 0)
    try:
        return _made(place, asked, variables, run)
    except ReprobuildError as error:
        progress.note(f"note: the run's operations were not made again: {error}")
    return Repeated()


def keep_results(folder: Path, place: Place, asked: Asked, variables: Variables, progress: Progress) -> None:
    """Make the operations of a recorded run again, and keep the results beside its record, in `numerics.json`."""
    path = folder / NUMERICS_OF_RUN
    if not path.is_file():
        return
    numerics = Numerics.from_bytes(path.read_bytes(), NUMERICS_OF_RUN)
    if numerics.signatures is not None:
        results = repeated(place, asked, variables, numerics.signatures, progress).results
        signatures = numerics.signatures.model_copy(update={"results": results})
        path.write_bytes(numerics.model_copy(update={"signatures": signatures}).to_bytes())


def _made(place: Place, asked: Asked, variables: Variables, run: Signatures) -> Repeated:
    emulated = place.prepared.emulation is not None

    def parse(data: bytes) -> Repeated:
        if len(data) > MAX_SIZE:
            raise InputError(f"{SUBJECT}: more than {MAX_SIZE:,} bytes")
        found = Repeated.from_bytes(data, SUBJECT)
        if len(found.results) != len(run.seen):
            raise InputError(f"{SUBJECT}: {len(found.results)} results of {len(run.seen)} calls")
        return found

    inquiry = Inquiry(
        module=MODULE,
        words=(QUESTION,),
        reply="results.json",
        subject=SUBJECT,
        kind=KIND,
        patience=EMULATED_PATIENCE if emulated else PATIENCE,
        parse=parse,
        max_size=MAX_SIZE,
        asked={QUESTION: _question(run, emulated=emulated)},
        lasting=lambda found: all(result.error != NO_TIME for result in found.results),
    )
    return inquiry.answer(place, asked, variables)


def _question(run: Signatures, *, emulated: bool) -> bytes:
    calls = [call.model_dump(mode="json", include={"operation", "inputs", "options"}) for call in run.seen]
    seconds = EMULATED_SECONDS if emulated else SECONDS
    return canonical_json({"signatures": calls, "settings": run.settings.model_dump(mode="json"), "seconds": seconds})
