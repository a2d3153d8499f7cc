"""`replay`: a bundle from anyone, run again here, and compared with its record."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from reprobuild import __version__
from reprobuild.bundle.read import HINT
from reprobuild.ground.errors import UsageError, hinting
from reprobuild.hardware.compare import compare_machines, find_differences
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.hardware.render import render_findings
from reprobuild.numerics.compare import compare_numerics, summarise
from reprobuild.numerics.document import Numerics
from reprobuild.numerics.pins import Profile
from reprobuild.numerics.prediction import Prediction
from reprobuild.record.document import Asked, FileDigest, Record
from reprobuild.record.folder import LOG, SOURCE
from reprobuild.record.processes import emulated_cpu
from reprobuild.steps.image.prepare import prepare_run
from reprobuild.steps.probe.inquiry import place_of
from reprobuild.steps.probe.predict import predict_replay
from reprobuild.steps.probe.probe import probed
from reprobuild.steps.replay.emulate import emulate, refuse_gpu
from reprobuild.steps.replay.preflight import preflight_bundle, refuse_obstacles, require_flags
from reprobuild.steps.replay.receive import Received, receive_bundle, receive_data, receive_outputs
from reprobuild.steps.run.attempt import Attempt, Request, attempted
from reprobuild.steps.run.run import copy_outputs
from reprobuild.steps.world import World
from reprobuild.tools.machine import collect_machine
from reprobuild.tools.progress import Progress
from reprobuild.tools.qemu import find_emulator
from reprobuild.tools.store import remove
from reprobuild.verdict.causes import Evidence, rank_causes
from reprobuild.verdict.compare import compare_outputs
from reprobuild.verdict.decide import decide, exit_status
from reprobuild.verdict.document import ReplayReport, Seen
from reprobuild.verdict.void import void_reasons, voided

ANYWAY = "reprobuild preflight names each; --anyway starts it all the same"
REPORT, RESULTS = "replay.json", "outputs"


@dataclass(frozen=True)
class Options:
    """What the caller may choose: another seed, places of data, the least good verdict, a folder for the results."""

    seed: int | None = None
    data: Mapping[str, Path] = field(default_factory=dict)
    require: Literal["identical", "equivalent"] = "equivalent"
    output: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """This machine's variables, of which those pass that the request names."""
    anyway: bool = False
    """Start also where something says that it cannot run."""
    gpu: bool = False
    """Pass a GPU even where the record has none."""
    emulate: str | None = None
    """A CPU by qemu's name for it; None for this machine's own."""
    numerics: Profile | None = None
    """Another numerics profile than the recorded one."""


def replay_bundle(
    bundle: Path, world: World, options: Options, *, on_output: Callable[[bytes], None], progress: Progress
) -> ReplayReport:
    """The report of one replay; nothing of the bundle is unpacked before all of it is verified.

    `options.output` appears when everything in it is there; Ctrl-C leaves nothing.
    """
    with new_folder(options.output) as results, world.store.temporary() as folder:
        folder.mkdir()
        machine = collect_machine(world.store.root, world.runner)
        cpu = options.emulate
        emulator = None if cpu is None else find_emulator(cpu, world.runner, machine.cpu.architecture)
        numerics = options.numerics if emulator is None else "native"  # an emulated CPU is asked when it is there
        before = preflight_bundle(bundle, machine, world.store, gpu=options.gpu, numerics=numerics)
        for line in render_findings(before.findings if emulator is None else before.obstacles):
            progress.note(line)
        if not options.anyway:
            refuse_obstacles(before, bundle.name, ANYWAY)
        with hinting(HINT):
            received = receive_bundle(bundle, world.store, folder, progress)
            data = receive_data(received, options.data, folder)
            recorded = receive_outputs(received, folder / "recorded")
        asked = _choose(received.record.asked, options)
        if emulator is not None:
            refuse_gpu(asked)
        # Emulated, a module takes ten times as long to compile.
        prepared = prepare_run(received.front.image, received.index.base, world, progress, once=emulator is None)
        if passed := [name for name in asked.env if name in options.variables]:
            progress.note(f"passed from this machine, as the bundle asks: {', '.join(passed)}")
        if emulator is not None:
            prepared = emulate(prepared, emulator, world.engine)
            seen = machine.model_copy(update={"cpu": emulated_cpu(machine.cpu, dict(prepared.claim))})
            _note_emulated(received.record, asked, seen, options, progress)
        place = place_of(prepared, world)
        probe = probed(place, asked, options.variables, progress) if received.numerics else None
        agreement = compare_numerics(received.numerics, probe) if received.numerics and probe else None
        if agreement is not None:
            progress.note(f"note: {summarise(agreement)}")
        expected = predict_replay(received.record, received.numerics, place, asked, probe, options.variables, progress)
        request = Request(asked, received.files[SOURCE], data, options.variables)
        with attempted(request, prepared, world.engine, world.store, on_output) as attempt:
            if attempt.ending.reason == "interrupted":
                raise KeyboardInterrupt
            progress.begin("comparing", 0)
            report = compare_attempt(received, recorded, asked, attempt, options.require, probe, expected)
            if results:
                copy_outputs({f"{RESULTS}/{name}": path for name, path in attempt.outputs.items()}, results)
                copy_outputs({LOG: attempt.log}, results)
                (results / REPORT).write_bytes(report.to_bytes())
    return report


def _note_emulated(record: Record, asked: Asked, seen: Fingerprint, options: Options, progress: Progress) -> None:
    """Say how the machine that is emulated differs; a one-line error where its CPU lacks what is asked of it."""
    if not options.anyway:
        require_flags(asked.numerics, seen.cpu.flags)
    for line in render_findings(compare_machines(record.fingerprint, seen, gpu=False)):
        progress.note(line)
    progress.note(f"note: {seen.cpu.name} is emulated, which takes about ten times as long")


def _choose(asked: Asked, options: Options) -> Asked:
    """The recorded request, but for what the caller asks otherwise."""
    chosen = {"seed": options.seed, "numerics": options.numerics, "gpu": options.gpu or None}
    return asked.model_copy(update={name: value for name, value in chosen.items() if value is not None})


def compare_attempt(
    received: Received,
    recorded: Mapping[str, tuple[FileDigest, Path]],
    asked: Asked,
    attempt: Attempt,
    require: Literal["identical", "equivalent"],
    numerics: Numerics | None = None,
    prediction: Prediction | None = None,
) -> ReplayReport:
    """What is to be said of an attempt beside the record; `recorded` are the record's outputs as files.

    `numerics` is what the probe computed here, and `prediction` what was expected.
    """
    record = received.record
    outputs = {name: (digest, attempt.outputs[name]) for name, digest in attempt.digests.items()}
    comparisons = compare_outputs(recorded, outputs)
    verdict = voided(decide(record.asked, record, attempt, comparisons), void_reasons(attempt.found))
    findings = find_differences(
        (record.asked, asked), (record.found, attempt.found), (record.fingerprint, attempt.fingerprint)
    )
    agreement = compare_numerics(received.numerics, numerics) if received.numerics and numerics else None
    evidence = Evidence(
        findings=findings,
        found=(record.found, attempt.found),
        comparisons=comparisons,
        checks=verdict.checks,
        numerics=agreement,
        prediction=prediction,
        gpu=bool(record.fingerprint.gpus and attempt.fingerprint.gpus and record.asked.gpu and asked.gpu),
    )
    return ReplayReport(
        reprobuild=__version__,
        bundle=received.front.digest,
        project=record.project,
        image=received.front.image.image_id,
        verdict=verdict.kind,
        reasons=verdict.reasons,
        require=require,
        exit_status=exit_status(verdict.kind, require),
        checks=verdict.checks,
        comparisons=comparisons,
        findings=findings,
        causes=rank_causes(evidence),
        numerics=agreement,
        prediction=prediction,
        recorded_wall_seconds=record.wall_seconds,
        seen=Seen(
            asked=asked,
            found=attempt.found,
            fingerprint=attempt.fingerprint,
            outputs=attempt.digests,
            metrics=attempt.metrics,
            ending=attempt.ending,
            wall_seconds=attempt.wall_seconds,
            peak_memory_bytes=attempt.peak_memory_bytes,
            log=attempt.log_digest,
            numerics=numerics,
        ),
    )


@contextmanager
def new_folder(target: Path | None) -> Iterator[Path | None]:
    """A folder to fill, which gets its name at the end, or goes with whatever went wrong; None for none."""
    if target is None:
        yield None
        return
    final = target.absolute()
    if final.exists() or final.is_symlink():
        raise UsageError(f"--output {target}: it exists already", hint="name a folder that does not exist yet")
    temporary = final.with_name(f".{final.name}.{secrets.token_hex(4)}")
    try:
        temporary.mkdir()
    except OSError as error:
        raise UsageError(f"--output {target}: {error.strerror}", hint="name a new folder in one that exists") from error
    try:
        yield temporary
        temporary.rename(final)
    finally:
        remove(temporary)
