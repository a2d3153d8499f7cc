"""One execution of a request in an engine: its folder is laid out, watched, and read again strictly.

`run` makes records of it and `replay` compares it with one.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from reprobuild.engines.engine import Container, Engine, Execution
from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_file
from reprobuild.ground.errors import InputError
from reprobuild.ground.tree import unpack_tree
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.lock.base import Base
from reprobuild.numerics import profiles
from reprobuild.numerics.signatures import Signatures
from reprobuild.record.document import Asked, DataUse, Ending, FileDigest, Log
from reprobuild.record.log import BoundedLog
from reprobuild.record.request import THREAD_VARIABLES
from reprobuild.steps.image.prepare import BYTECODE, LIBRARY, VISIBLE, Prepared, image_environment
from reprobuild.steps.replay.emulate import SLOWER
from reprobuild.steps.run.collect import (
    TOLD,
    collect_outputs,
    declared_outputs,
    digest_outputs,
    fingerprint,
    peak_memory,
    read_found,
    read_metrics,
    read_signatures,
)
from reprobuild.tools.store import Store

WORK, FOUND, PARAMS = "/work", "/run/reprobuild/found", "/run/reprobuild/params.json"
NUMERICS = "/run/reprobuild/numerics.json"


@dataclass(frozen=True)
class Request:
    """What is executed: the question, the source as a tar, and where each data set is on this machine."""

    asked: Asked
    source: Path
    data: Mapping[str, tuple[DataUse, Path]]
    variables: Mapping[str, str]
    """The host's variables that may pass, by name."""
    watched: bool = False
    """Whether the operations that it asks for are kept (`reprobuild_inside/signatures.py`)."""


@dataclass(frozen=True)
class Attempt:
    """What came of it; `outputs` are files by declared path, in a folder that lives as long as the attempt."""

    ending: Ending
    wall_seconds: float
    peak_memory_bytes: int
    found: dict[str, JsonValue]
    fingerprint: Fingerprint
    outputs: dict[str, Path]
    digests: dict[str, FileDigest]
    metrics: dict[str, float]
    log: Path
    log_digest: Log
    signatures: Signatures | None = None
    """The operations of a request that was watched."""


@contextmanager
def attempted(
    request: Request, prepared: Prepared, engine: Engine, store: Store, on_output: Callable[[bytes], None]
) -> Iterator[Attempt]:
    """Execute a request; its working folder is gone afterwards. Ctrl-C is an ending, not an exception."""
    with store.temporary() as folder:
        work, found, params, numerics = (folder / name for name in ("work", "found", "params.json", "numerics.json"))
        folder.mkdir()
        found.mkdir()
        params.write_bytes(canonical_json(request.asked.hyperparameters))
        numerics.write_bytes(profiles.inside(request.asked.numerics, request.asked.threads))
        with request.source.open("rb") as stream:
            unpack_tree(stream, work, "source")
        mounts = _lay_data(request.data, work)
        for name in declared_outputs(request.asked):
            _make_folder(work, name.rpartition("/")[0], name)
        container = Container(
            argv=request.asked.command,
            environment=run_environment(request, prepared.base),
            folder=WORK,
            read_only={
                **mounts,
                PARAMS: params,
                NUMERICS: numerics,
                **prepared.modules,
            },
            writable={WORK: work, FOUND: found},
            timeout=request.asked.timeout * (SLOWER if prepared.emulation else 1),
            gpu=request.asked.gpu,
            emulation=prepared.emulation,
        )
        with BoundedLog(folder / "log.txt") as log:

            def listen(chunk: bytes) -> None:
                log.write(chunk)
                on_output(chunk)

            execution = engine.execute(prepared.place, container, listen)
        yield _read_attempt(request, execution, engine, prepared, work, found, log)


def _lay_data(data: Mapping[str, tuple[DataUse, Path]], work: Path) -> dict[str, Path]:
    """Where each data set is mounted; what lies inside the source tree needs a mount point there."""
    mounts = {}
    for use, path in data.values():
        inside = use.path if use.path.startswith("/") else f"{WORK}/{use.path}"
        mounts[inside] = path.resolve()
        if not use.path.startswith("/"):
            _make_folder(work, use.path if path.is_dir() else use.path.rpartition("/")[0], use.path)
            if not path.is_dir():
                (work / use.path).touch()
    return mounts


def _make_folder(work: Path, relative: str, subject: str) -> None:
    """A folder below `work`, which holds no links yet."""
    try:
        (work / relative).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{subject}: a file of the source tree stands where its folder must be") from error


def run_environment(request: Request, base: Base) -> dict[str, str]:
    """Every variable of the run: the image's, the request's, and those that the user lets pass."""
    asked = request.asked
    wanted = (name for name in asked.env if asked.gpu or name != VISIBLE)
    passed = {name: request.variables[name] for name in wanted if name in request.variables}
    given = {**image_environment(base, gpu=asked.gpu), **passed}
    return {
        **given,
        "HOME": "/tmp",  # noqa: S108  # inside the sandbox, where /tmp is the run's own
        "USER": "root",
        "LOGNAME": "root",
        "PYTHONPATH": ":".join(path for path in (LIBRARY, given.get("PYTHONPATH", "")) if path),
        "PYTHONHASHSEED": str(asked.seed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPYCACHEPREFIX": BYTECODE,
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        # https://docs.nvidia.com/cuda/cublas/index.html#results-reproducibility
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "REPROBUILD_SEED": str(asked.seed),
        "REPROBUILD_THREADS": str(asked.threads),
        "REPROBUILD_PARAMS": PARAMS,
        "REPROBUILD_FOUND": FOUND,
        **({"REPROBUILD_SIGNATURES": "1"} if request.watched else {}),
        "REPROBUILD_NUMERICS": NUMERICS,
        **dict.fromkeys(THREAD_VARIABLES, str(asked.threads)),
        **profiles.environment(asked.numerics, asked.threads),
    }


def _read_attempt(
    request: Request,
    execution: Execution,
    engine: Engine,
    prepared: Prepared,
    work: Path,
    found: Path,
    log: BoundedLog,
) -> Attempt:
    told = read_found(found, request.asked.command, WORK)
    ending = Ending(reason=execution.reason, status=execution.status, signal=execution.signal, message=_say(execution))
    outputs: dict[str, Path] = {}
    metrics: dict[str, float] = {}
    try:
        outputs = collect_outputs(request.asked, work)
        metrics = read_metrics(request.asked, outputs)
    except InputError as error:
        if ending.reason == "finished" and ending.status == 0:
            ending = Ending(reason="outputs", status=0, signal=None, message=str(error))
    environment: dict[str, JsonValue] = {
        name: "set" if name in request.variables else "unset" for name in request.asked.env
    }
    return Attempt(
        ending=ending,
        wall_seconds=round(execution.wall_seconds, 3),
        peak_memory_bytes=peak_memory(told),
        found={
            "environment": environment,
            **{name: told[name] for name in TOLD if name in told},
            **_emulation(prepared),
        },
        fingerprint=fingerprint(told, engine.describe(), work, emulated=prepared.emulation is not None),
        outputs=outputs,
        digests=digest_outputs(outputs),
        metrics=metrics,
        log=log.path,
        signatures=read_signatures(found) if request.watched else None,
        log_digest=Log(sha256=sha256_file(log.path), size=log.path.stat().st_size, truncated=log.truncated),
    )


def _emulation(prepared: Prepared) -> dict[str, JsonValue]:
    emulation = prepared.emulation
    if emulation is None:
        return {}
    return {"emulation": {"cpu": emulation.cpu, "qemu": emulation.version, "claim": dict(prepared.claim)}}


def _say(execution: Execution) -> str:
    memory = ": a process of it took more memory than it may" if execution.out_of_memory else ""
    if execution.reason == "deadline":
        return "it was stopped at its deadline"
    if execution.reason == "interrupted":
        return "it was interrupted"
    if execution.signal:
        return f"it was killed by {execution.signal}{memory}"
    return f"it ended with exit status {execution.status}{memory}" if execution.status else ""
