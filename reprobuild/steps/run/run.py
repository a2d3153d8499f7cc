"""`run`: train a project in its image and keep a record of it, whatever came of it."""

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reprobuild import __version__
from reprobuild.engines.engine import Engine
from reprobuild.ground.digests import sha256_bytes, sha256_file
from reprobuild.ground.errors import InputError, hinting
from reprobuild.ground.tree import open_given, write_tree
from reprobuild.ground.whole import replacing
from reprobuild.lock.data import TRAVELS, data_root, write_data
from reprobuild.lock.index import LockIndex
from reprobuild.numerics.document import Numerics
from reprobuild.numerics.pins import Profile
from reprobuild.project.model import Project
from reprobuild.record.document import Asked, DataUse, Json, Record, Tree
from reprobuild.record.folder import LOCK, LOG, NUMERICS, OUTPUTS, RECORD, RUNS, SOURCE, is_number
from reprobuild.record.request import MAX_PARAMS, fill_command, parse_params
from reprobuild.steps.image.prepare import Prepared
from reprobuild.steps.lock.file import CONDA_LOCK, REQUIREMENTS
from reprobuild.steps.run.attempt import Attempt, Request, attempted
from reprobuild.steps.run.collect import declared_outputs
from reprobuild.steps.run.source import source_files
from reprobuild.tools.claim import claimed
from reprobuild.tools.process import Runner
from reprobuild.tools.store import Store, remove


def ask(project: Project, seed: int | None, *, gpu: bool = False, numerics: Profile | None = None) -> Asked:
    """The request that a project makes; `seed` and `numerics` stand in for its own, and `gpu` asks for one anyway."""
    asked = Asked(
        command=fill_command(project.command, project.hyperparameters),
        seed=project.seed if seed is None else seed,
        threads=project.threads,
        timeout=project.timeout,
        gpu=project.gpu or gpu,
        env=project.env,
        hyperparameters=dict(project.hyperparameters),
        params={path: _params(project.root / path, path) for path in project.params},
        outputs=project.outputs,
        metrics=project.metrics,
        tolerances=dict(project.tolerances),
        numerics=numerics or project.numerics,
    )
    for name in declared_outputs(asked):
        check_place(project.root, name)
    return asked


def _params(path: Path, name: str) -> Json:
    with hinting("[run] params names files of hyperparameters, each a mapping of names to values"):
        with open_given(path, name) as stream:
            data = stream.read(MAX_PARAMS + 1)
        return parse_params(data, name)


def run_training(
    project: Project,
    lock: tuple[LockIndex, bytes],
    prepared: Prepared,
    store: Store,
    engine: Engine,
    runner: Runner,
    *,
    asked: Asked,
    variables: Mapping[str, str],
    on_output: Callable[[bytes], None],
    numerics: Numerics | None = None,
) -> tuple[Record, Path]:
    """The record of one run and its folder; a run that failed or was interrupted is recorded too.

    `numerics` is what the probe computed before it, which is kept beside the record with the operations of the run.
    """
    index, lock_bytes = lock
    with _unfinished(project.root) as folder:
        files = source_files(project, runner)
        with (folder / SOURCE).open("wb") as stream:
            write_tree(stream, files.items(), "source")
        data = {
            item.name: (DataUse(**index.data[item.name].model_dump()), data_root(item, project.root))
            for item in project.data
        }
        _keep_inputs(project, lock_bytes, data, folder)
        request = Request(asked, folder / SOURCE, data, variables, watched=numerics is not None)
        with attempted(request, prepared, engine, store, on_output) as attempt:
            record = _record(project, lock_bytes, prepared, request, attempt, len(files))
            shutil.copyfile(attempt.log, folder / LOG)
            with (folder / OUTPUTS).open("wb") as stream:
                write_tree(stream, attempt.outputs.items(), "outputs")
            if numerics is not None:
                kept = numerics.model_copy(update={"signatures": attempt.signatures})
                (folder / NUMERICS).write_bytes(kept.to_bytes())
            (folder / RECORD).write_bytes(record.to_bytes())
            final = _number(folder)
            if record.good:
                copy_outputs(attempt.outputs, project.root)
        return record, final


@contextmanager
def _unfinished(project: Path) -> Iterator[Path]:
    """A folder for a run's record, beside the finished ones; gone afterwards unless it got its number.

    What a killed run leaves there is claimed by nobody; `doctor` tells of it.
    """
    runs = project / RUNS
    runs.mkdir(parents=True, exist_ok=True)
    ignore = runs.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    folder = runs / f".{secrets.token_hex(8)}"
    folder.mkdir()
    try:
        with claimed(folder):
            yield folder
    finally:
        remove(folder)


def _record(
    project: Project, lock_bytes: bytes, prepared: Prepared, request: Request, attempt: Attempt, files: int
) -> Record:
    source = request.source
    return Record(
        reprobuild=__version__,
        project=project.name,
        image=prepared.image.image_id,
        lock=sha256_bytes(lock_bytes),
        source=Tree(sha256=sha256_file(source), size=source.stat().st_size, files=files),
        data={name: use for name, (use, _) in request.data.items()},
        asked=request.asked,
        found=attempt.found,
        fingerprint=attempt.fingerprint,
        needs=prepared.image.needs,
        outputs=attempt.digests,
        metrics=attempt.metrics,
        ending=attempt.ending,
        wall_seconds=attempt.wall_seconds,
        peak_memory_bytes=attempt.peak_memory_bytes,
        log=attempt.log_digest,
    )


def _keep_inputs(project: Project, lock_bytes: bytes, data: Mapping[str, tuple[DataUse, Path]], folder: Path) -> None:
    """The lock and the data that travels, as they are now."""
    (folder / LOCK).write_bytes(lock_bytes)
    for name in (REQUIREMENTS, CONDA_LOCK):
        if (project.lock_folder / name).is_file():
            shutil.copyfile(project.lock_folder / name, folder / name)
    (folder / "data").mkdir()
    for name, (use, path) in data.items():
        if use.size <= TRAVELS:
            with (folder / "data" / f"{name}.tar").open("wb") as stream:
                write_data(stream, path, f"data.{name}")


def _number(folder: Path) -> Path:
    """Give a finished record the next number; two runs that end at once get two numbers."""
    while True:
        taken = [int(path.name) for path in folder.parent.iterdir() if is_number(path.name)]
        final = folder.parent / f"{max(taken, default=0) + 1:04}"
        try:
            folder.rename(final)
        except OSError:
            if not final.exists():
                raise
        else:
            return final


def copy_outputs(outputs: Mapping[str, Path], target: Path) -> None:
    """Outputs into a folder, each whole or not at all, and none through a link that stands there."""
    for name, path in outputs.items():
        check_place(target, name)
        final = target / name
        final.parent.mkdir(parents=True, exist_ok=True)
        with replacing(final) as temporary:
            shutil.copyfile(path, temporary)


def check_place(target: Path, name: str) -> None:
    """InputError when an output would be written through a link, which may lead out of the folder."""
    path = target
    for part in name.split("/")[:-1]:
        path = path / part
        if path.is_symlink():
            raise InputError(
                f"{name}: {path.relative_to(target)} is a link, and outputs are written through none",
                hint="replace it by a folder",
            )
