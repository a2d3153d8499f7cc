"""One execution of a request in an engine: its folder is laid out, watched, and read again strictly.

`run` makes records of it and `replay` compares it with one.
"""

import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import JsonValue

from reprobuild.engines.engine import Container, Engine, Execution
from reprobuild.ground.canonical import canonical_json, parse_json
from reprobuild.ground.digests import sha256_file
from reprobuild.ground.errors import InputError
from reprobuild.ground.tree import FILE, open_regular, tree_files, unpack_tree
from reprobuild.record.document import Asked, DataUse, Ending, FileDigest, Fingerprint, Log
from reprobuild.record.log import BoundedLog
from reprobuild.record.metrics import parse_metrics
from reprobuild.steps.prepare import BYTECODE, Prepared
from reprobuild.tools.machine import collect_machine
from reprobuild.tools.store import Store

WORK, LIBRARY, FOUND, PARAMS = "/work", "/run/reprobuild/lib", "/run/reprobuild/found", "/run/reprobuild/params.json"
MAX_FOUND = 4 << 20
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Request:
    """What is executed: the question, the source as a tar, and where each data set is on this machine."""

    asked: Asked
    source: Path
    data: Mapping[str, tuple[DataUse, Path]]
    variables: Mapping[str, str]
    """The host's variables that may pass, by name."""


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


@contextmanager
def attempted(
    request: Request, prepared: Prepared, engine: Engine, store: Store, on_output: Callable[[bytes], None]
) -> Iterator[Attempt]:
    """Execute a request; its working folder is gone afterwards. Ctrl-C is an ending, not an exception."""
    with store.temporary() as folder:
        work, found, params = folder / "work", folder / "found", folder / "params.json"
        folder.mkdir()
        found.mkdir()
        params.write_bytes(canonical_json(request.asked.hyperparameters))
        with request.source.open("rb") as stream:
            unpack_tree(stream, work, "source")
        mounts = _lay_data(request.data, work)
        for path in [*request.asked.outputs, *([request.asked.metrics] if request.asked.metrics else [])]:
            (work / path).parent.mkdir(parents=True, exist_ok=True)
        container = Container(
            argv=request.asked.command,
            environment=run_environment(request, prepared),
            folder=WORK,
            read_only={
                **mounts,
                LIBRARY: Path(str(files("reprobuild") / "runtime")),
                PARAMS: params,
                BYTECODE: prepared.bytecode,
            },
            writable={WORK: work, FOUND: found},
            timeout=request.asked.timeout,
        )
        log = BoundedLog(folder / "log.txt")

        def listen(chunk: bytes) -> None:
            log.write(chunk)
            on_output(chunk)

        execution = engine.execute(prepared.root, container, listen)
        yield _read_attempt(request, execution, work, found, log)


def _lay_data(data: Mapping[str, tuple[DataUse, Path]], work: Path) -> dict[str, Path]:
    """Where each data set is mounted; what lies inside the source tree needs a mount point there."""
    mounts = {}
    for use, path in data.values():
        inside = use.path if use.path.startswith("/") else f"{WORK}/{use.path}"
        mounts[inside] = path.resolve()
        if not use.path.startswith("/"):
            point = work / use.path
            point.parent.mkdir(parents=True, exist_ok=True)
            point.mkdir(exist_ok=True) if path.is_dir() else point.touch()
    return mounts


def run_environment(request: Request, prepared: Prepared) -> dict[str, str]:
    """Every variable of the run: the image's, the request's, and those that the user lets pass."""
    asked = request.asked
    return {
        **prepared.base.environment,
        **{name: request.variables[name] for name in asked.env if name in request.variables},
        "HOME": "/tmp",  # noqa: S108  # inside the sandbox, where /tmp is the run's own
        "USER": "root",
        "LOGNAME": "root",
        "PYTHONPATH": LIBRARY,
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
        **dict.fromkeys(THREAD_VARIABLES, str(asked.threads)),
    }


def _read_attempt(request: Request, execution: Execution, work: Path, found: Path, log: BoundedLog) -> Attempt:
    log_path = log.close()
    seen = _read_found(found)
    peak = seen.get("peak_memory_bytes")
    seen["environment"] = {name: "set" if name in request.variables else "unset" for name in request.asked.env}
    ending = Ending(reason=execution.reason, status=execution.status, signal=execution.signal, message=_say(execution))
    outputs: dict[str, Path] = {}
    digests: dict[str, FileDigest] = {}
    metrics: dict[str, float] = {}
    try:
        outputs = collect_outputs(request.asked, work)
        digests = {
            name: FileDigest(sha256=sha256_file(path), size=path.stat().st_size) for name, path in outputs.items()
        }
        if request.asked.metrics:
            metrics = parse_metrics(outputs[request.asked.metrics].read_bytes(), request.asked.metrics)
    except InputError as error:
        if ending.reason == "finished" and ending.status == 0:
            ending = replace_ending(ending, str(error))
    return Attempt(
        ending=ending,
        wall_seconds=round(execution.wall_seconds, 3),
        peak_memory_bytes=peak if isinstance(peak, int) else 0,
        found={
            name: seen[name] for name in ("seeds", "switches", "threads", "problems", "environment") if name in seen
        },
        fingerprint=_fingerprint(seen),
        outputs=outputs,
        digests=digests,
        metrics=metrics,
        log=log_path,
        log_digest=Log(sha256=sha256_file(log_path), size=log_path.stat().st_size, truncated=log.truncated),
    )


def replace_ending(ending: Ending, message: str) -> Ending:
    """The ending of a command that succeeded without leaving what was declared."""
    return Ending(reason="outputs", status=ending.status, signal=ending.signal, message=message)


def _say(execution: Execution) -> str:
    if execution.reason == "deadline":
        return "it was stopped at its deadline"
    if execution.reason == "interrupted":
        return "it was interrupted"
    if execution.signal:
        return f"it was killed by {execution.signal}"
    return f"it ended with exit status {execution.status}" if execution.status else ""


def collect_outputs(asked: Asked, work: Path) -> dict[str, Path]:
    """The declared outputs as regular files, a folder standing for all files in it; InputError for anything else.

    What a training leaves is untrusted: a link could point at any file of this machine.
    """
    found: dict[str, Path] = {}
    for name in dict.fromkeys([*asked.outputs, *([asked.metrics] if asked.metrics else [])]):
        path = work
        for part in name.split("/"):
            path = path / part
            try:
                mode = path.lstat().st_mode
            except OSError as error:
                raise InputError(f"{name}: the training did not write it") from error
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise InputError(f"{name}: the training left a link, pipe or device there")
        found |= _below(path, name)
    for name, path in found.items():
        open_regular(path, name).close()
    return dict(sorted(found.items()))


def _below(path: Path, name: str) -> dict[str, Path]:
    return {name if part == FILE else f"{name}/{part}": file for part, file in tree_files(path, name).items()}


def _read_found(folder: Path) -> dict[str, JsonValue]:
    """What the first process that finished told of itself; untrusted, so wrong shapes are told, not believed."""
    for path in sorted(folder.glob("*.json")):
        try:
            with open_regular(path, "found") as stream:
                value = parse_json(stream.read(MAX_FOUND + 1), "found", max_size=MAX_FOUND)
        except InputError as error:
            return {"problems": [str(error)]}
        if isinstance(value, dict):
            return value
    return {"problems": ["no Python process told what was in force: it did not end by itself"]}


def _fingerprint(seen: Mapping[str, JsonValue]) -> Fingerprint:
    cpu, memory, kernel = collect_machine()
    packages = seen.get("packages")
    libraries = seen.get("libraries")
    return Fingerprint(
        cpu=cpu,
        memory_bytes=memory,
        kernel=kernel,
        libc=str(seen.get("libc", "")),
        python=str(seen.get("python", "")),
        packages={str(k): str(v) for k, v in packages.items()} if isinstance(packages, dict) else {},
        libraries=[item for item in libraries if isinstance(item, dict)] if isinstance(libraries, list) else [],
        gpus=[],
    )
