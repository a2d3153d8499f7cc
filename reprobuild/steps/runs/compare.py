"""`runs compare`: two recorded runs of a project, part by part, down to the first line or value that differs."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from reprobuild.ground.canonical import MAX_SIZE
from reprobuild.ground.digests import sha256_bytes, sha256_file, sha256_stream
from reprobuild.ground.errors import InputError
from reprobuild.ground.tree import open_regular, read_tree
from reprobuild.ledger.compare import Change, RunComparison, change, compare_locks, compare_runs
from reprobuild.ledger.trees import compare_sources
from reprobuild.lock.index import LockIndex
from reprobuild.numerics.compare import Agreement, compare_numerics
from reprobuild.numerics.document import Numerics
from reprobuild.record.document import FileDigest, Record
from reprobuild.record.folder import LOCK, NUMERICS, OUTPUTS, SOURCE, read_record
from reprobuild.tools.store import Store
from reprobuild.verdict.compare import compare_output
from reprobuild.verdict.document import Comparison, Outcome

Sides = tuple[Path, Path]


def compare_recorded(folders: Sides, store: Store) -> RunComparison:
    """What differs between two runs; a part of one that is damaged is said to differ, with the reason."""
    records = (read_record(folders[0]), read_record(folders[1]))
    with store.temporary() as folder:
        return compare_runs(
            (folders[0].name, folders[1].name),
            records,
            list(_outputs(folders, records, folder)),
            list(_source(folders, records)),
            list(_lock(folders, records)),
            _numerics(folders),
        )


def _numerics(folders: Sides) -> Agreement | None:
    """What the numeric probe got in both runs; None where one has none that can be read."""
    try:
        one, other = (_read_numerics(folder) for folder in folders)
    except InputError:
        return None
    return compare_numerics(one, other)


def _read_numerics(folder: Path) -> Numerics:
    with open_regular(folder / NUMERICS, f"run {folder.name}") as stream:
        return Numerics.from_bytes(stream.read(MAX_SIZE + 1), f"run {folder.name}: {NUMERICS}")


def _lock(folders: Sides, records: tuple[Record, Record]) -> Iterator[Change]:
    if records[0].lock == records[1].lock:
        return
    try:
        first, second = (_read_lock(folder, record) for folder, record in zip(folders, records, strict=True))
    except InputError as error:
        yield change("lock", records[0].lock[:12], records[1].lock[:12], str(error))
        return
    changes = list(compare_locks(first, second))
    yield from changes or [change("lock", records[0].lock[:12], records[1].lock[:12], "other bytes")]


def _read_lock(folder: Path, record: Record) -> LockIndex:
    subject = f"run {folder.name}: {LOCK}"
    with open_regular(folder / LOCK, f"run {folder.name}") as stream:
        data = stream.read(MAX_SIZE + 1)
    if sha256_bytes(data) != record.lock:
        raise InputError(f"{subject}: not what the record tells")
    return LockIndex.from_bytes(data, subject)


def _source(folders: Sides, records: tuple[Record, Record]) -> Iterator[Change]:
    one, other = (record.source.sha256 for record in records)
    if one == other:
        return
    try:
        for folder, record in zip(folders, records, strict=True):
            with open_regular(folder / SOURCE, f"run {folder.name}") as stream:
                _require(stream, record.source.sha256, f"run {folder.name}: {SOURCE}")
        yield from compare_sources(folders[0] / SOURCE, folders[1] / SOURCE)
    except InputError as error:
        yield change("source", one[:12], other[:12], str(error))


def _require(stream: BinaryIO, sha256: str, subject: str) -> None:
    if sha256_stream(stream) != sha256:
        raise InputError(f"{subject}: not what the record tells")


def _outputs(folders: Sides, records: tuple[Record, Record], scratch: Path) -> Iterator[Comparison]:
    """Each output of either run; only those are unpacked whose bytes differ."""
    apart = {
        name
        for name in records[0].outputs.keys() & records[1].outputs.keys()
        if records[0].outputs[name] != records[1].outputs[name]
    }
    files: list[dict[str, Path]] = [{}, {}]
    problem = ""
    for number, (folder, record) in enumerate(zip(folders, records, strict=True)):
        try:
            files[number] = _unpack(folder / OUTPUTS, apart, record.outputs, scratch / str(number))
        except InputError as error:
            problem = problem or str(error)
    for name in sorted({*records[0].outputs, *records[1].outputs}):
        one, other = (record.outputs.get(name) for record in records)
        if name in apart and problem:
            detail = f"other bytes, and no values to compare: {problem}"
            yield Comparison(
                name=name, outcome=Outcome.DIFFERENT, compared_as="bytes", recorded=one, seen=other, detail=detail
            )
            continue
        paths = [side.get(name, Path()) for side in files]
        yield compare_output(name, (one, paths[0]) if one else None, (other, paths[1]) if other else None)


def _unpack(tar: Path, names: Iterable[str], digests: dict[str, FileDigest], folder: Path) -> dict[str, Path]:
    """Some outputs as files below the new `folder`, each with the digest that its record tells."""
    left = set(names)
    found: dict[str, Path] = {}
    if not left:
        return found
    folder.mkdir(parents=True)
    subject = f"run {tar.parent.name}: {tar.name}"
    with open_regular(tar, f"run {tar.parent.name}") as stream:
        for entry, content in read_tree(stream, subject):
            if entry.path not in left:
                continue
            # The name keeps its suffix alone: the format is known by it, and a path of the archive is not followed.
            found[entry.path] = path = folder / f"{len(found)}{Path(entry.path).suffix}"
            with path.open("xb") as target:
                while chunk := content.read(1 << 20):
                    target.write(chunk)
            if sha256_file(path) != digests[entry.path].sha256:
                raise InputError(f"{subject}: {entry.path}: not what the record tells")
    if missing := sorted(left - found.keys()):
        raise InputError(f"{subject}: {missing[0]} is not in it")
    return found
