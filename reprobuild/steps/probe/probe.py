"""The numeric probe: run in an image as a training would run there, or by a Python of this machine; kept in the store.

It must never cost a run more than a line: `probed` says what went wrong, and returns nothing.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reprobuild.bundle.read import read_document
from reprobuild.ground.errors import InputError, ReprobuildError, ToolError, hinting
from reprobuild.ground.text import escaped
from reprobuild.ground.tree import open_given
from reprobuild.numerics.document import MAX_SIZE, Numerics, parse_probe
from reprobuild.numerics.pins import Profile
from reprobuild.numerics.profiles import environment, inside
from reprobuild.project.model import Project
from reprobuild.record.document import Asked
from reprobuild.record.folder import NUMERICS
from reprobuild.record.request import THREAD_VARIABLES
from reprobuild.steps.image.prepare import prepare_image, prepare_run
from reprobuild.steps.lock.lock import read_lock_of
from reprobuild.steps.probe.inquiry import RUNTIME, Inquiry, Place, last_words, place_of
from reprobuild.steps.replay.emulate import emulate, refuse_gpu
from reprobuild.steps.run.run import ask
from reprobuild.steps.world import World
from reprobuild.tools.machine import collect_machine
from reprobuild.tools.process import Runner
from reprobuild.tools.progress import Progress
from reprobuild.tools.qemu import find_emulator

MODULE = "reprobuild_probe"
SUBJECT = "numeric probe"
KIND = "probes"
"""Where finished ones are in the store."""
PATIENCE, EMULATED_PATIENCE = 300, 1200
"""Seconds; natively it takes a few, on a machine that is not busy."""


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
    emulation = place.prepared.emulation

    def parse(data: bytes) -> Numerics:
        return parse_probe(data, SUBJECT, asked.numerics, asked.threads, emulation.cpu if emulation else "")

    patience = EMULATED_PATIENCE if emulation else PATIENCE
    inquiry = Inquiry(MODULE, ("--output",), f"{MODULE}.json", SUBJECT, KIND, patience, parse, MAX_SIZE)
    return inquiry.answer(place, asked, variables)


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
        raise ToolError(f"{python}: the probe ended with {done.status}{last_words(done.stderr.encode())}")
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
