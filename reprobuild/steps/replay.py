"""`replay`: a bundle from anyone, run again here, and compared with its record."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reprobuild import __version__
from reprobuild.bundle.read import Front, verify_bundle
from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError, UsageError
from reprobuild.ground.tree import digest_tree, unpack_tree
from reprobuild.lock.data import MANY, ONE_FILE
from reprobuild.lock.index import LockIndex
from reprobuild.record.document import Asked, DataUse, Record
from reprobuild.steps.attempt import Attempt, Request, attempted
from reprobuild.steps.image import find_image, keep_image
from reprobuild.steps.lock import parse_lock
from reprobuild.steps.prepare import prepare_root
from reprobuild.steps.run import LOCK, OUTPUTS, RECORD, SOURCE, copy_outputs
from reprobuild.steps.world import World
from reprobuild.tools.progress import Progress
from reprobuild.tools.store import remove
from reprobuild.verdict.decide import check_ending, check_metrics, check_outputs, decide, exit_status
from reprobuild.verdict.document import ReplayReport
from reprobuild.verdict.machines import compare_machines, compare_requests, ranked
from reprobuild.verdict.values import Difference, compare_files


@dataclass(frozen=True)
class Options:
    """What the caller may choose: another seed, places of data, the least good verdict, a folder for the results."""

    seed: int | None = None
    data: Mapping[str, Path] | None = None
    require: str = "equivalent"
    output: Path | None = None
    variables: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Opened:
    """A bundle whose every byte was verified: its record and lock, and files by document name."""

    front: Front
    record: Record
    index: LockIndex
    files: Mapping[str, Path]


def replay_bundle(
    bundle: Path, world: World, options: Options, *, on_output: Callable[[bytes], None], progress: Progress
) -> ReplayReport:
    """The report of one replay; nothing of the bundle is unpacked before all of it is verified."""
    if options.output and options.output.exists():
        raise UsageError(f"--output {options.output}: it exists already", hint="name a folder that does not exist yet")
    with world.store.temporary() as folder:
        folder.mkdir()
        opened = _open(bundle, world, folder, progress)
        asked = opened.record.asked
        if options.seed is not None:
            asked = asked.model_copy(update={"seed": options.seed})
        data = _data(opened, options.data or {}, folder)
        prepared = prepare_root(opened.front.image, opened.index.base, world, progress)
        recorded = folder / "recorded"
        _unpack(opened.files[OUTPUTS], recorded, "outputs")
        progress.begin("training", 0)
        request = Request(asked, opened.files[SOURCE], data, options.variables or {})
        with attempted(request, prepared, world.engine, world.store, on_output) as attempt:
            if attempt.ending.reason == "interrupted":
                raise KeyboardInterrupt
            report = _report(opened, asked, attempt, recorded, options.require)
            if options.output:
                _keep_results(options.output, attempt, report)
    return report


def _open(bundle: Path, world: World, folder: Path, progress: Progress) -> Opened:
    subject = bundle.name
    progress.begin("verifying the bundle", bundle.stat().st_size if bundle.is_file() else 0)
    front, blobs = verify_bundle(bundle, subject, folder / "blobs", progress.advance)
    files = {name: blobs[item.sha256] for name, item in front.documents.items()}
    record = Record.from_bytes(front.small[RECORD], f"{subject}: {RECORD}")
    index = parse_lock(front.small[LOCK], f"{subject}: {LOCK}")
    _require_agreement(front, record, index, subject)
    for layer in front.image.layers:
        world.store.keep(blobs[layer.sha256], layer.sha256)
    for data in front.image_documents:
        world.store.add_bytes(data)
    if find_image(front.image.image_id, world.store) is None:
        keep_image(front.image, world.store)
    return Opened(front, record, index, files)


def _require_agreement(front: Front, record: Record, index: LockIndex, subject: str) -> None:
    """InputError unless lock, record, image and documents speak of one run."""
    if record.image != front.image.image_id:
        raise InputError(f"{subject}: its record is of another image")
    if record.lock != sha256_bytes(front.small[LOCK]):
        raise InputError(f"{subject}: its record is of another lock")
    missing = [name for name in (SOURCE, OUTPUTS) if name not in front.documents]
    if missing:
        raise InputError(f"{subject}: it holds no {missing[0]}")
    if front.documents[SOURCE].sha256 != record.source.sha256:
        raise InputError(f"{subject}: its record is of another source")
    locked = {name: (data.path, data.sha256) for name, data in index.data.items()}
    used = {name: (use.path, use.sha256) for name, use in record.data.items()}
    if not used.items() <= locked.items():
        raise InputError(f"{subject}: its record uses other data than its lock")


def _data(opened: Opened, places: Mapping[str, Path], folder: Path) -> dict[str, tuple[DataUse, Path]]:
    """Where each data set is, from the bundle or from the caller, its digest checked before anything runs."""
    unknown = sorted(places.keys() - opened.record.data.keys())
    if unknown:
        known = ", ".join(sorted(opened.record.data)) or "none"
        raise UsageError(f"--data {unknown[0]}: the bundle has no such data set", hint=f"it has: {known}")
    found = {}
    for name, use in opened.record.data.items():
        if name in places:
            path = places[name]
            if not path.exists():
                raise InputError(f"--data {name}: {path} does not exist")
        elif f"data/{name}.tar" in opened.files:
            path = folder / "data" / name
            _unpack(opened.files[f"data/{name}.tar"], path, f"data.{name}")
            path = path / ONE_FILE if (path / ONE_FILE).is_file() else path / MANY.rstrip("/")
        else:
            about = "; ".join(text for text in (use.origin, use.licence) if text)
            raise InputError(
                f"data.{name}: {use.size} bytes that the bundle does not carry{f' ({about})' if about else ''}",
                hint=f"get it and add --data {name}=PATH",
            )
        seen = digest_tree(path, f"data.{name}").sha256
        if seen != use.sha256:
            raise InputError(f"data.{name}: {path}: its digest is {seen[:12]}, recorded is {use.sha256[:12]}")
        found[name] = (use, path)
    return found


def _unpack(tar: Path, folder: Path, subject: str) -> None:
    with tar.open("rb") as stream:
        unpack_tree(stream, folder, subject)


def _report(opened: Opened, asked: Asked, attempt: Attempt, recorded: Path, require: str) -> ReplayReport:
    record = opened.record
    ending = check_ending(record.ending, attempt.ending)
    compared = {
        name: _compare(name, record, recorded, attempt) for name in record.outputs.keys() | attempt.outputs.keys()
    }
    metrics = check_metrics(record, attempt.metrics)
    outputs = check_outputs(record, compared)
    verdict, reasons = decide(ending, outputs, metrics)
    causes = ranked(
        iter([*compare_requests(record.asked, asked), *compare_machines(record.fingerprint, attempt.fingerprint)])
    )
    return ReplayReport(
        reprobuild=__version__,
        project=record.project,
        bundle=opened.front.digest,
        image=opened.front.image.image_id,
        verdict=verdict,
        exit_status=exit_status(verdict, require),
        reasons=reasons,
        checks=(ending, *outputs, *metrics),
        causes=causes,
        wall_seconds=attempt.wall_seconds,
        recorded_wall_seconds=record.wall_seconds,
    )


def _compare(name: str, record: Record, recorded: Path, attempt: Attempt) -> Difference:
    if name not in record.outputs or name not in attempt.outputs:
        return Difference(same=False, first=f"only the {'record' if name in record.outputs else 'replay'} has it")
    path = recorded / name
    if not path.is_file():
        return Difference(same=False, unchecked=f"{name}: the bundle does not hold it")
    return compare_files(path, attempt.outputs[name], name)


def _keep_results(target: Path, attempt: Attempt, report: ReplayReport) -> None:
    """Outputs, log and report in a new folder, which appears whole."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        temporary.mkdir(parents=True)
        copy_outputs({f"outputs/{name}": path for name, path in attempt.outputs.items()}, temporary)
        copy_outputs({"log.txt": attempt.log}, temporary)
        (temporary / "replay.json").write_bytes(report.to_bytes())
        temporary.rename(target)
    finally:
        remove(temporary)
