"""Where a training reads and writes: data, outputs, metrics and files of hyperparameters, each with its evidence."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reprobuild.ground.errors import InputError
from reprobuild.project.rules import OWN_PLACES
from reprobuild.record.request import parse_params
from reprobuild.scaffold.folder import Folder
from reprobuild.scaffold.found import Found
from reprobuild.scaffold.script import Script
from reprobuild.scaffold.values import HOLE
from reprobuild.scaffold.writes import Write

_SETTINGS = (".yaml", ".yml", ".json", ".toml")
_HYPERPARAMETERS = re.compile(
    r"(([\w-]+/)?(params|hparams|hyperparams|hyperparameters|hyper_parameters))\.(ya?ml|json|toml)"
)
_METRICS = re.compile(r".*(metric|score|result|eval|performance|accuracy).*\.json", re.IGNORECASE)
_DATA = re.compile(r".+\.(csv|tsv|parquet|feather|npy|npz|bin|h5|hdf5|jsonl|arff|libsvm|svm)(\.gz|\.bz2|\.xz|\.zst)?")
_ELSEWHERE = re.compile(r"/(data|datasets?|mnt|home|media|srv|scratch|storage|Users|vol\w*)/.+|[A-Za-z]:\\.+")
_SCRATCH = ("/tmp/", "/dev/")  # noqa: S108  # names that are compared, not files that are made
_CHANGES = (".log", ".svg", ".pdf", ".html")
"""Such files carry the time of their making."""


@dataclass(frozen=True)
class Places:
    """Every path is relative to the project; the remarks are what could not be told or used."""

    data: tuple[tuple[str, Found], ...] = ()
    """Names with their paths."""
    outputs: tuple[Found, ...] = ()
    metrics: Found | None = None
    metric_names: tuple[str, ...] = ()
    params: tuple[Found, ...] = ()
    data_remarks: tuple[str, ...] = ()
    output_remarks: tuple[str, ...] = ()


def find_places(scripts: Sequence[Script], folder: Folder) -> Places:
    """The places of the training's scripts."""
    writes = [(script.path, write) for script in scripts for write in script.uses.writes]
    texts = _texts(scripts)
    written = {inside(write.path) for _, write in writes}
    params = _params(texts, folder, written)
    read = _read(texts, folder, written | {found.value for found in params})
    outputs, metrics, output_remarks = _outputs(writes, folder, [found.value for found in (*read, *params)])
    return Places(
        data=tuple(_named(read)),
        outputs=tuple(outputs),
        metrics=metrics[0] if metrics else None,
        metric_names=metrics[1].keys if metrics else (),
        params=tuple(params),
        data_remarks=tuple(_missing(texts, folder, written)),
        output_remarks=tuple(output_remarks),
    )


def _texts(scripts: Sequence[Script]) -> dict[str, Found]:
    """Each text with the first place that it stands at."""
    found: dict[str, Found] = {}
    for script in scripts:
        given = [(item.default, item.line) for item in script.command_line.arguments if isinstance(item.default, str)]
        for text, line in (*script.uses.texts, *given):
            found.setdefault(text, Found("text", text, script.path, line))
    return found


def inside(path: str) -> str:
    """The normal form of a path in the project, cut to the folder before a hole or a pattern; empty for others."""
    kept: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        if HOLE in part or "*" in part or "?" in part:
            break
        kept.append(part)
    normal = posixpath.normpath("/".join(kept)) if any(kept) else ""
    return "" if normal in ("", ".") or normal.startswith(("/", "..", "~")) or ":" in normal else normal


def _params(texts: Mapping[str, Found], folder: Folder, written: set[str]) -> list[Found]:
    """Files of hyperparameters: those that the script names, and those that are named so."""
    named = {inside(text): found for text, found in texts.items() if text.endswith(_SETTINGS)}
    own = {path: Found("params", path, path) for path in folder.texts if _HYPERPARAMETERS.fullmatch(path)}
    found = []
    for path in sorted({*named, *own} - written):
        text = folder.texts.get(path)
        if text is not None and not path.startswith("lockfiles/") and _is_params(text, path):
            place = named.get(path, own.get(path))
            found.append(Found("params", path, place.path, place.line) if place else Found("params", path, path))
    return found


def _is_params(text: str, path: str) -> bool:
    try:
        values = parse_params(text.encode(), path)
    except InputError:
        return False
    return isinstance(values, dict) and 0 < len(values) <= 500


def _read(texts: Mapping[str, Found], folder: Folder, taken: set[str]) -> list[Found]:
    """The files and folders that are read and lie here, the outermost of what lies in each other."""
    candidates: dict[str, Found] = {}
    for text, place in sorted(texts.items(), key=lambda item: item[1]):
        path = inside(text)
        if path and _is_data(path, folder) and path not in taken:
            candidates.setdefault(path, Found("data", path, place.path, place.line))
    holding = {path for path in candidates if any(other.startswith(f"{path}/") for other in taken)}
    kept = {path: found for path, found in candidates.items() if path not in holding}
    return [found for path, found in sorted(kept.items()) if not any(path.startswith(f"{other}/") for other in kept)]


def _is_data(path: str, folder: Folder) -> bool:
    if path.split("/")[0] in OWN_PLACES or path.endswith((".py", ".ipynb")):
        return False
    if path in folder.files:
        return "/" in path or bool(_DATA.fullmatch(path)) or not path.endswith((*_SETTINGS, ".md", ".txt", ".in"))
    code = path in folder.code_folders
    return path in folder.folders and not code


def _missing(texts: Mapping[str, Found], folder: Folder, written: set[str]) -> Iterator[str]:
    for text, place in sorted(texts.items(), key=lambda item: item[1]):
        path = inside(text)
        if _ELSEWHERE.fullmatch(text):
            yield (
                f"{place.at} names {text}, which a run does not see: let it open /data/NAME, "
                "and name that place here as [data.NAME] path"
            )
        elif path and _DATA.fullmatch(path) and path not in folder.files and path not in written:
            yield f"{place.at} reads {path}, which is not here: put it there and name it as [data.NAME] path"


def _named(read: Sequence[Found]) -> Iterator[tuple[str, Found]]:
    taken: set[str] = set()
    for found in read:
        stem = posixpath.basename(found.value).split(".")[0]
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:80] or "data"
        number = 1
        while (unique := name if number == 1 else f"{name}-{number}") in taken:
            number += 1
        taken.add(unique)
        yield unique, found


def _outputs(
    writes: Sequence[tuple[str, Write]], folder: Folder, read: Sequence[str]
) -> tuple[list[Found], tuple[Found, Write] | None, list[str]]:
    """The outputs, the metrics' file with its write, and what is written and cannot be declared."""
    remarks: list[str] = []
    good: dict[str, tuple[Found, Write]] = {}
    for script, write in writes:
        path, at = inside(write.path), f"{script}:{write.line}"
        if write.path.startswith(_SCRATCH):
            continue
        if obstacle := _obstacle(write, path, folder, read):
            remarks.append(f"{at} writes {path or write.path.replace(HOLE, '…')}: {obstacle}")
        elif path:
            good.setdefault(path, (Found("output", path, script, write.line), write))
    outer = {path: item for path, item in good.items() if not any(path.startswith(f"{other}/") for other in good)}
    metrics = _metrics(good)
    outputs = [found for path, (found, _) in sorted(outer.items()) if not metrics or path != metrics[0].value]
    return outputs, metrics, list(dict.fromkeys(remarks))


def _obstacle(write: Write, path: str, folder: Folder, read: Sequence[str]) -> str:
    if not path:
        if HOLE in write.path and not write.path.startswith(("/", "..", "~")):
            return "its name is known only while it runs; give results a folder of their own, and name that"
        return "not a place inside the project, so it is lost when the run ends"
    if path.split("/")[0] in OWN_PLACES or ".git" in path.split("/") or path in folder.scripts:
        return "not a place for results"
    if not write.certain:
        return "only when an argument asks for it"
    if path in folder.code_folders:
        return "there is code in that folder; give results a folder of their own"
    if any(f"{path}/".startswith(f"{place}/") for place in read):
        return "among the data, which is read-only in a run; give results a folder of their own"
    if any(place.startswith(f"{path}/") for place in read):
        return "there is something in that folder that the training reads; give results a folder of their own"
    return "such a file tells when it was made, so its bytes differ each time" if path.endswith(_CHANGES) else ""


def _metrics(good: Mapping[str, tuple[Found, Write]]) -> tuple[Found, Write] | None:
    flat = {path: item for path, item in good.items() if path.endswith(".json") and not item[1].nested}
    named = [path for path in flat if _METRICS.fullmatch(posixpath.basename(path))]
    choice = sorted(named, key=lambda path: ("metric" not in path.lower(), path))
    return flat[choice[0]] if choice else None
