"""The operations that a run asked for, made again in its image on this machine, so that two machines can be compared.

It must never cost a run or a replay more than a line: what went wrong is a note, and then nothing is predicted.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from reprobuild.engines.engine import Container
from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.documents import Document
from reprobuild.ground.errors import InputError, ReprobuildError, ToolError
from reprobuild.ground.text import shown
from reprobuild.ground.tree import open_regular
from reprobuild.numerics.document import Numerics
from reprobuild.numerics.profiles import inside
from reprobuild.numerics.signatures import MOST, Result, Signatures
from reprobuild.numerics.taken import missed_pins
from reprobuild.record.document import Asked
from reprobuild.record.folder import NUMERICS as NUMERICS_OF_RUN
from reprobuild.steps.attempt import FOUND, NUMERICS, Request, run_environment
from reprobuild.steps.probe import NOT_TOLD, NUMERIC, RUNTIME, Place, digest_runtime
from reprobuild.tools.progress import Progress

MODULE = "reprobuild_probe.repeat"
KIND = "repeated"
"""Where finished ones are in the store."""
ASKED = "/run/reprobuild/signatures.json"
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
        return _kept(place, asked, variables, run)
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


def _kept(place: Place, asked: Asked, variables: Variables, run: Signatures) -> Repeated:
    """The same from the store, if they were made on this machine before."""
    store = place.store
    container = _container(place, asked, variables)
    question = _question(run, emulated=place.prepared.emulation is not None)
    key = sha256_bytes(canonical_json([_identity(place, asked, container), question.decode()]))
    path = store.path(KIND, key)
    if path.is_file():
        try:
            return Repeated.from_bytes(path.read_bytes(), f"repeated {key[:12]}")
        except InputError:  # of an older reprobuild
            path.unlink(missing_ok=True)
    found = _execute(place, asked, container, question)
    if len(found.results) != len(run.seen):
        raise InputError(f"{len(found.results)} results of {len(run.seen)} calls")
    if all(result.error != NO_TIME for result in found.results):
        store.replace(KIND, key, found.to_bytes())
    return found


def _question(run: Signatures, *, emulated: bool) -> bytes:
    calls = [call.model_dump(mode="json", include={"operation", "inputs", "options"}) for call in run.seen]
    seconds = EMULATED_SECONDS if emulated else SECONDS
    return canonical_json({"signatures": calls, "settings": run.settings.model_dump(mode="json"), "seconds": seconds})


def _container(place: Place, asked: Asked, variables: Variables) -> Container:
    """What a run would see, less its source, its data and its seed."""
    prepared = place.prepared
    emulated = prepared.emulation is not None
    names = tuple(name for name in asked.env if name.startswith(NUMERIC))
    request = Request(asked.model_copy(update={"seed": 0, "env": names}), Path(), {}, variables)
    given = run_environment(request, prepared.base)
    return Container(
        argv=[prepared.base.python.executable, "-m", MODULE, ASKED, f"{FOUND}/results.json"],
        environment={name: value for name, value in given.items() if name not in NOT_TOLD},
        folder="/",
        read_only=prepared.modules,
        timeout=EMULATED_PATIENCE if emulated else PATIENCE,
        gpu=asked.gpu,
        emulation=prepared.emulation,
    )


def _identity(place: Place, asked: Asked, container: Container) -> dict[str, JsonValue]:
    """Everything that can change what a call computes; which engine runs it cannot."""
    prepared, seen = place.prepared, place.machine
    emulation = prepared.emulation
    gpus: list[JsonValue] = [gpu.model_dump(mode="json", exclude={"state"}) for gpu in seen.gpus]
    return {
        "image": prepared.image.image_id,
        "runtime": digest_runtime(RUNTIME),
        "pins": inside(asked.numerics, asked.threads).decode(),
        "environment": dict(container.environment),
        "cpu": seen.cpu.model_dump(mode="json", exclude={"name"}),
        "emulation": [emulation.cpu, emulation.version] if emulation else [],
        "gpu": [seen.driver, *gpus] if asked.gpu else [],
    }


def _execute(place: Place, asked: Asked, container: Container, question: bytes) -> Repeated:
    words: list[bytes] = []
    with place.store.temporary() as folder:
        folder.mkdir()
        pins, calls, told = folder / "numerics.json", folder / "signatures.json", folder / "told"
        pins.write_bytes(inside(asked.numerics, asked.threads))
        calls.write_bytes(question)
        told.mkdir()
        binds = {**container.read_only, NUMERICS: pins, ASKED: calls}
        bound = replace(container, read_only=binds, writable={FOUND: told})
        done = place.engine.execute(place.prepared.place, bound, words.append)
        if done.reason == "interrupted":
            raise KeyboardInterrupt
        if done.reason == "deadline":
            raise ToolError(f"it took longer than {container.timeout:g} s")
        if done.status != 0:
            said = b"".join(words).decode(errors="replace").strip().rpartition("\n")[2]
            raise ToolError(shown(f"it ended with {done.signal or done.status}: {said}"))
        with open_regular(told / "results.json", "results") as stream:
            data = stream.read(MAX_SIZE + 1)
    if len(data) > MAX_SIZE:
        raise InputError(f"results: more than {MAX_SIZE:,} bytes")
    return Repeated.from_bytes(data, "results")
