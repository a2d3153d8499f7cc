"""The numeric probe: run in an image as a training would run there, or by a Python of this machine; kept in the store.

It must never cost a run more than a line: `probed` says what went wrong, and returns nothing.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from pydantic import JsonValue

from reprobuild.bundle.read import read_document
from reprobuild.engines.engine import Container, Engine
from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError, ReprobuildError, ToolError, hinting
from reprobuild.ground.text import escaped, shown
from reprobuild.ground.tree import open_given, open_regular
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.numerics.document import MAX_SIZE, Numerics, parse_probe
from reprobuild.numerics.pins import Profile
from reprobuild.numerics.profiles import environment, inside
from reprobuild.project.model import Project
from reprobuild.record.document import Asked
from reprobuild.record.folder import NUMERICS
from reprobuild.record.request import THREAD_VARIABLES
from reprobuild.steps.attempt import FOUND, Request, run_environment
from reprobuild.steps.attempt import NUMERICS as PINS
from reprobuild.steps.emulate import emulate, refuse_gpu
from reprobuild.steps.lock import read_lock_of
from reprobuild.steps.prepare import Prepared, prepare_image, prepare_run
from reprobuild.steps.run import ask
from reprobuild.steps.world import World
from reprobuild.tools.machine import collect_machine
from reprobuild.tools.process import Runner
from reprobuild.tools.progress import Progress
from reprobuild.tools.qemu import find_emulator
from reprobuild.tools.store import Store

MODULE = "reprobuild_probe"
KIND = "probes"
"""Where finished ones are in the store."""
PATIENCE, EMULATED_PATIENCE = 300, 1200
"""Seconds; natively it takes a few, on a machine that is not busy."""
NUMERIC = (
    "OMP_",
    "MKL_",
    "OPENBLAS_",
    "ATEN_",
    "ONEDNN_",
    "DNNL_",
    "NPY_",
    "TORCH_",
    "CUBLAS_",
    "CUDA_",
    "NVIDIA_",
    "GLIBC_",
)
"""How the variables begin that pass to a probe, where a run lets them pass: they choose arithmetic."""
NOT_TOLD = ("REPROBUILD_FOUND", "REPROBUILD_PARAMS")
"""A probe is no training: its processes tell nothing of themselves."""
RUNTIME = Path(str(files("reprobuild") / "runtime"))


@dataclass(frozen=True)
class Place:
    """Where a probe runs: an image in an engine, on this machine."""

    prepared: Prepared
    engine: Engine
    machine: Fingerprint
    store: Store


def place_of(prepared: Prepared, world: World) -> Place:
    """The place of an image that is ready to run, on this machine."""
    return Place(prepared, world.engine, collect_machine(world.store.root, world.runner), world.store)


def probed(place: Place, asked: Asked, variables: Mapping[str, str], progress: Progress) -> Numerics | None:
    """The numerics of an image as a run would have them; None, and a note, when the probe failed."""
    progress.begin("probing arithmetic", 0)
    try:
        return probe_image(place, asked, variables)
    except ReprobuildError as error:
        progress.note(f"note: no numeric probe: {escaped(str(error))}")
    return None


def probe_image(place: Place, asked: Asked, variables: Mapping[str, str]) -> Numerics:
    """The same; ToolError or InputError when it failed, which is not kept."""
    container = _container(place, asked, variables)
    key = sha256_bytes(canonical_json(_identity(place, asked, container)))
    path = place.store.path(KIND, key)
    if path.is_file():
        try:
            return Numerics.from_bytes(path.read_bytes(), f"probe {key[:12]}")
        except InputError:  # of an older reprobuild
            path.unlink(missing_ok=True)
    found = _execute(place, asked, container)
    place.store.replace(KIND, key, found.to_bytes())
    return found


def _container(place: Place, asked: Asked, variables: Mapping[str, str]) -> Container:
    """What a run would see, less its source, its data and its seeds."""
    prepared = place.prepared
    names = tuple(name for name in asked.env if name.startswith(NUMERIC))
    asked = asked.model_copy(update={"seed": 0, "env": names})
    given = run_environment(Request(asked, Path(), {}, variables), prepared.base)
    return Container(
        argv=[prepared.base.python.executable, "-m", MODULE, "--output", f"{FOUND}/{MODULE}.json"],
        environment={name: value for name, value in given.items() if name not in NOT_TOLD},
        folder="/",
        read_only=prepared.modules,
        timeout=EMULATED_PATIENCE if prepared.emulation else PATIENCE,
        gpu=asked.gpu,
        emulation=prepared.emulation,
    )


def _identity(place: Place, asked: Asked, container: Container) -> dict[str, JsonValue]:
    """Everything that can change what a probe computes; which engine runs it cannot."""
    cpu, machine, emulation = place.machine.cpu, place.machine, place.prepared.emulation
    gpus: list[JsonValue] = [gpu.model_dump(mode="json", exclude={"state"}) for gpu in machine.gpus]
    return {
        "image": place.prepared.image.image_id,
        "runtime": digest_runtime(RUNTIME),
        "pins": inside(asked.numerics, asked.threads).decode(),
        "environment": dict(container.environment),
        "cpu": cpu.model_dump(mode="json", exclude={"name"}),
        "emulation": [emulation.cpu, emulation.version] if emulation else [],
        "gpu": [machine.driver, *gpus] if asked.gpu else [],
    }


def digest_runtime(folder: Path) -> str:
    """One digest of all files of the runtime: the probe's own, and those of the pins that it runs under."""
    digests = {path.relative_to(folder).as_posix(): sha256_bytes(path.read_bytes()) for path in folder.rglob("*.py")}
    return sha256_bytes(canonical_json(digests))


def _execute(place: Place, asked: Asked, container: Container) -> Numerics:
    words: list[bytes] = []
    with place.store.temporary() as folder:
        folder.mkdir()
        pins, told = folder / "numerics.json", folder / "told"
        pins.write_bytes(inside(asked.numerics, asked.threads))
        told.mkdir()
        bound = replace(container, read_only={**container.read_only, PINS: pins}, writable={FOUND: told})
        done = place.engine.execute(place.prepared.place, bound, words.append)
        if done.reason == "interrupted":
            raise KeyboardInterrupt
        if done.reason == "deadline":
            raise ToolError(f"it took longer than {container.timeout:g} s")
        if done.status != 0:
            raise ToolError(f"it ended with {done.signal or done.status}{_said(b''.join(words))}")
        with open_regular(told / f"{MODULE}.json", "numeric probe") as stream:
            data = stream.read(MAX_SIZE + 1)
    emulation = place.prepared.emulation
    return parse_probe(data, "numeric probe", asked.numerics, asked.threads, emulation.cpu if emulation else "")


def _said(words: bytes) -> str:
    lines = words.decode(errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f": {shown(last.strip())}" if last else ""


def probe_project(
    project: Project,
    world: World,
    progress: Progress,
    variables: Mapping[str, str],
    *,
    profile: Profile | None = None,
    threads: int | None = None,
    cpu: str | None = None,
) -> Numerics:
    """The numerics of a project's image, as its run would compute; `cpu` is one to emulate."""
    asked = ask(project, None, numerics=profile)
    if threads is not None:
        asked = asked.model_copy(update={"threads": threads})
    machine = collect_machine(world.store.root, world.runner)
    emulator = None
    if cpu is not None:
        refuse_gpu(asked)
        emulator = find_emulator(cpu, world.runner, machine.cpu.architecture)
    index, _ = read_lock_of(project)
    prepared = prepare_run(prepare_image(index, world, progress), index.base, world, progress)
    if emulator is not None:
        prepared = emulate(prepared, emulator, world.engine)
    progress.begin("probing arithmetic", 0)
    return probe_image(place_of(prepared, world), asked, variables)


def probe_python(
    python: str, runner: Runner, variables: Mapping[str, str], profile: Profile = "native", threads: int = 1
) -> Numerics:
    """The numerics of a Python outside any image, with this shell's variables; ToolError when it cannot be started.

    That is how a borrowed machine is probed: nothing is installed there.
    """
    with tempfile.TemporaryDirectory() as name:
        pins = Path(name) / "numerics.json"
        pins.write_bytes(inside(profile, threads))
        given = {
            **variables,
            **dict.fromkeys(THREAD_VARIABLES, str(threads)),
            **environment(profile, threads),
            "PYTHONPATH": os.pathsep.join(part for part in (str(RUNTIME), variables.get("PYTHONPATH", "")) if part),
            "PYTHONDONTWRITEBYTECODE": "1",
            "REPROBUILD_THREADS": str(threads),
            "REPROBUILD_NUMERICS": str(pins),
        }
        given.pop("REPROBUILD_FOUND", None)
        try:
            done = runner([python, "-m", MODULE], env=given, timeout=PATIENCE)
        except OSError as error:
            raise ToolError(f"{python}: {error.strerror}", hint="name a Python, 3.8 or later") from error
    if done.status != 0:
        raise ToolError(f"{python}: the probe ended with {done.status}{_said(done.stderr.encode())}")
    return parse_probe(done.stdout.encode(), f"{python}: numeric probe", profile, threads)


def read_numerics(path: Path) -> Numerics:
    """The numerics in a bundle, in a `numerics.json`, or as `python -m reprobuild_probe` printed them."""
    with hinting("name a bundle, a numerics.json, or what reprobuild probe --json printed"):
        with open_given(path, path.name) as stream:
            data = stream.read(MAX_SIZE + 1)
        if data[:1] != b"{":
            found = read_document(path, path.name, NUMERICS)
            if found is None:
                raise InputError(f"{path.name}: it holds no {NUMERICS}: its run was not probed")
            return Numerics.from_bytes(found, f"{path.name}: {NUMERICS}")
        if len(data) > MAX_SIZE:
            raise InputError(f"{path.name}: more than {MAX_SIZE:,} bytes")
        if b'"format"' in data:
            return Numerics.from_bytes(data, path.name)
        return parse_probe(data, path.name, "native", 1)
