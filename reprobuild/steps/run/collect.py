"""What a training left behind, read strictly: its outputs, its metrics, and what the runtime told of it.

Everything here was written by a program that nobody vouches for. It is read only when all of its processes are gone, so
what was checked stays as it is.
"""

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.digests import sha256_stream
from reprobuild.ground.errors import InputError
from reprobuild.ground.tree import FILE, open_regular, tree_files
from reprobuild.hardware.fingerprint import EngineFacts, Fingerprint
from reprobuild.numerics.signatures import Signatures, merge_signatures
from reprobuild.numerics.taken import parse_taken
from reprobuild.record.document import Asked, FileDigest
from reprobuild.record.metrics import MAX_SIZE, parse_metrics
from reprobuild.record.processes import count_processes, emulated_cpu, name_programs, parse_cpu
from reprobuild.record.sources import merge_sources, not_told
from reprobuild.tools.machine import collect_machine
from reprobuild.tools.process import run_process

MAX_FOUND = 4 << 20
"""Bytes that are read of what one process tells."""
MAX_TOGETHER = 64 << 20
"""Bytes of all processes together: their values are held at once, and take many times as much memory."""
MAX_PROCESSES = 1000
MAX_WORDS = 200
"""Characters of a version that a training tells."""
TOLD = (
    *("seeds", "switches", "threads", "own_seeds", "unseeded", "not_seeded", "pins", "problems"),
    *("cpu", "processes", "programs"),
)
SILENT = "no Python process told what was in force: none ran, or it ignored PYTHONPATH (as with -I, -E and -S)"
CUT_OFF = "the training did not end by itself: its packages and libraries are not known"


def declared_outputs(asked: Asked) -> list[str]:
    """The paths that a training must leave, the metrics' file among them, in the order of their declaration."""
    return list(dict.fromkeys([*asked.outputs, *([asked.metrics] if asked.metrics else [])]))


def collect_outputs(asked: Asked, work: Path) -> dict[str, Path]:
    """The declared outputs as regular files, a folder standing for all files in it; InputError for anything else.

    A link is refused wherever it stands: it could point at any file of this machine.
    """
    found: dict[str, Path] = {}
    for name in declared_outputs(asked):
        path = _find(work, name)
        below = {name if part == FILE else f"{name}/{part}": file for part, file in tree_files(path, name).items()}
        if not below:
            raise InputError(f"{name}: the training left an empty folder there")
        found |= below
    return dict(sorted(found.items()))


def _find(work: Path, name: str) -> Path:
    path = work
    for part in name.split("/"):
        path = path / part
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            raise InputError(f"{name}: the training did not write it") from error
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise InputError(f"{name}: the training left a link, pipe or device there")
    return path


def digest_outputs(outputs: Mapping[str, Path]) -> dict[str, FileDigest]:
    """The digest of every output by its path."""
    found = {}
    for name, path in outputs.items():
        with open_regular(path, name) as stream:
            found[name] = FileDigest(sha256=sha256_stream(stream), size=stream.tell())
    return found


def read_metrics(asked: Asked, outputs: Mapping[str, Path]) -> dict[str, float]:
    """The metrics of the declared file; {} when none is declared."""
    if asked.metrics is None:
        return {}
    if asked.metrics not in outputs:
        raise InputError(f"{asked.metrics}: not a file, so no metrics")
    with open_regular(outputs[asked.metrics], asked.metrics) as stream:
        return parse_metrics(stream.read(MAX_SIZE + 1), asked.metrics)


def read_found(folder: Path, command: Sequence[str], source: str) -> dict[str, JsonValue]:
    """What the training's main process told: of several, the one that computed longest; wrong shapes are `problems`.

    What all processes told of their random numbers is merged into it; `source` is where the source tree was.
    """
    told, problems, unread = _read_processes(folder)
    if not told:
        return {"problems": [*problems, SILENT], "not_seeded": not_told(command, SILENT)}
    main = max(told, key=lambda process: (process.get("main") is True, _seconds(process)))
    if taken := parse_taken(process.get("pins") for process in told):
        main["pins"] = taken
    else:
        main.pop("pins", None)
    main["processes"] = count_processes(told, unread)
    main["programs"] = [*name_programs(told)]
    main["cpu"] = parse_cpu(main.get("cpu"))
    main |= merge_sources(told, source)
    own = main.get("problems")
    main["problems"] = [
        *problems,
        *(own if isinstance(own, list) else []),
        *([] if main.get("complete") else [CUT_OFF]),
    ]
    return main


def read_signatures(folder: Path) -> Signatures:
    """Which operations all processes of the training asked for; a process of which nothing is known is a gap."""
    told, _, unread = _read_processes(folder)
    return merge_signatures(told, unread)


def _read_processes(folder: Path) -> tuple[list[dict[str, JsonValue]], list[JsonValue], int]:
    """What each process told, what was wrong with those that told something else, and how many are not known."""
    told: list[dict[str, JsonValue]] = []
    problems: list[JsonValue] = []
    files = sorted(folder.glob("*.json"))
    left = MAX_TOGETHER
    for path in files[:MAX_PROCESSES]:
        try:
            data = _read_told(path)
            left -= len(data)
            if left < 0:
                break
            told.append(_parse_told(data, f"found: {path.name}"))
        except InputError as error:
            problems.append(str(error))
    return told, problems, len(files) - len(told)


def _read_told(path: Path) -> bytes:
    with open_regular(path, "found") as stream:
        return stream.read(MAX_FOUND + 1)


def _parse_told(data: bytes, subject: str) -> dict[str, JsonValue]:
    value = parse_json(data, subject, max_size=MAX_FOUND)
    if not isinstance(value, dict):
        raise InputError(f"{subject}: not a JSON object")
    return value


def _seconds(told: Mapping[str, JsonValue]) -> float:
    seconds = told.get("cpu_seconds")
    return seconds if isinstance(seconds, float) else 0.0


def peak_memory(told: Mapping[str, JsonValue]) -> int:
    """Bytes of the training's largest process as getrusage(2) told it at its end; 0 when it did not end by itself."""
    peak = told.get("peak_memory_bytes")
    return peak if isinstance(peak, int) and 0 <= peak < 1 << 63 else 0


def fingerprint(
    told: Mapping[str, JsonValue], engine: EngineFacts, folder: Path, *, emulated: bool = False
) -> Fingerprint:
    """The machine as this program sees it, and the software as the training's process told it.

    The processor of a run that was `emulated` is the one that its process saw.
    """
    packages, libraries = told.get("packages"), told.get("libraries")
    machine = collect_machine(folder, run_process)
    return machine.model_copy(
        update={
            "cpu": emulated_cpu(machine.cpu, told.get("cpu")) if emulated else machine.cpu,
            "engine": engine,
            **{name: str(told.get(name, ""))[:MAX_WORDS].replace("\0", "") for name in ("libc", "python")},
            "packages": {str(k): str(v) for k, v in packages.items()} if isinstance(packages, dict) else {},
            "libraries": [item for item in libraries if isinstance(item, dict)] if isinstance(libraries, list) else [],
        }
    )
