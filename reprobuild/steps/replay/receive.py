"""A bundle from anyone, made usable: verified to its last byte, then its documents held against one another.

That names and paths stay in their places is the documents' own rule (`record/document.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reprobuild.bundle.read import MAX_WHOLE, Front, verify_bundle
from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError, UsageError
from reprobuild.ground.tree import digest_tree, unpack_tree
from reprobuild.image.oci import render_config
from reprobuild.lock.data import MANY, ONE_FILE
from reprobuild.lock.index import LockIndex
from reprobuild.numerics.document import Numerics
from reprobuild.record.document import DataUse, FileDigest, Record
from reprobuild.record.folder import LOCK, LOG, NUMERICS, OUTPUTS, RECORD, SOURCE
from reprobuild.steps.run.collect import digest_outputs, read_metrics
from reprobuild.tools.progress import Progress
from reprobuild.tools.store import Store


@dataclass(frozen=True)
class Received:
    """A bundle whose every byte was verified; `files` are its documents by name."""

    front: Front
    record: Record
    index: LockIndex
    numerics: Numerics | None
    """What the probe computed where the run was recorded; bundles of older versions have none."""
    files: Mapping[str, Path]
    subject: str


def receive_bundle(path: Path, store: Store, folder: Path, progress: Progress) -> Received:
    """The bundle, its image's blobs in the store and its documents in `folder`; InputError for anything wrong."""
    subject = path.name
    progress.begin("verifying the bundle", path.stat().st_size if path.is_file() else 0)
    front, blobs = verify_bundle(path, subject, folder / "blobs", progress.advance)
    files = {name: blobs[item.sha256] for name, item in front.documents.items()}
    record, index = parse_small(front, subject)
    received = Received(front, record, index, _receive_numerics(front, files, subject), files, subject)
    _require_agreement(received)
    for sha256 in {layer.sha256 for layer in front.image.layers}:  # an image may have a layer twice
        store.keep(blobs[sha256], sha256)
    for data in front.image_documents:
        store.add_bytes(data)
    return received


def _receive_numerics(front: Front, files: Mapping[str, Path], subject: str) -> Numerics | None:
    if NUMERICS not in files:
        return None
    if (size := front.documents[NUMERICS].size) > MAX_WHOLE:
        raise InputError(f"{subject}: {NUMERICS}: {size} bytes, at most {MAX_WHOLE} are read")
    data = files[NUMERICS].read_bytes()
    numerics = Numerics.from_bytes(data, f"{subject}: {NUMERICS}")
    if numerics.to_bytes() != data:
        raise InputError(f"{subject}: {NUMERICS}: not spelt as reprobuild spells it")
    return numerics


def parse_small(front: Front, subject: str) -> tuple[Record, LockIndex]:
    """The record and the lock of a bundle's front; any transform may have made the image, which is there already."""
    for name, data in front.small.items():
        if rb"\u0000" in data:
            raise InputError(f"{subject}: {name}: it holds a NUL character")
    record = Record.from_bytes(front.small[RECORD], f"{subject}: {RECORD}")
    return record, LockIndex.from_bytes(front.small[LOCK], f"{subject}: {LOCK}")


def _require_agreement(received: Received) -> None:
    """InputError unless lock, record, image and documents speak of one run."""
    front, record, index = received.front, received.record, received.index
    log = front.documents.get(LOG)
    wrong = {
        "its record is of another image": record.image != front.image.image_id,
        "its log is not what its record tells": log is not None and log.sha256 != record.log.sha256,
        "its record is of another lock": record.lock != sha256_bytes(front.small[LOCK]),
        # Which Python compiles the image, and with which variables, is what the image says, not what a lock claims.
        "its image is not of its lock": front.image_documents[1] != render_config(index.base, front.image.layers),
        f"it holds no {SOURCE} or no {OUTPUTS}": not {SOURCE, OUTPUTS} <= front.documents.keys(),
        "its record uses other data than its lock": not _used(record.data).items() <= _used(index.data).items(),
    }
    for problem, found in wrong.items():
        if found:
            raise InputError(f"{received.subject}: {problem}")
    if front.documents[SOURCE].sha256 != record.source.sha256:
        raise InputError(f"{received.subject}: its record is of another source")


def _used(data: Mapping[str, object]) -> dict[str, tuple[object, ...]]:
    return {
        name: tuple(getattr(use, part) for part in ("path", "sha256", "size", "files")) for name, use in data.items()
    }


def receive_data(received: Received, places: Mapping[str, Path], folder: Path) -> dict[str, tuple[DataUse, Path]]:
    """Where each data set is, from the bundle or from the caller, by its digest; InputError names what is missing."""
    record = received.record
    for name in sorted(places.keys() - record.data.keys()):
        known = ", ".join(sorted(record.data)) or "none"
        raise UsageError(f"--data {name}: the bundle has no such data set", hint=f"it has: {known}")
    return {name: (use, _receive_one(received, name, use, places, folder)) for name, use in record.data.items()}


def _receive_one(received: Received, name: str, use: DataUse, places: Mapping[str, Path], folder: Path) -> Path:
    document = f"data/{name}.tar"
    if name in places:
        path = places[name]
        if not path.exists():
            raise InputError(f"--data {name}: {path} does not exist", hint="name the data set's file or folder")
    elif document in received.files:
        path = folder / document
        unpack(received.files[document], path, f"{received.subject}: data.{name}")
        path = path / ONE_FILE if (path / ONE_FILE).is_file() else path / MANY.rstrip("/")
    else:
        about = "".join(f", {text}" for text in _about(use))
        raise InputError(
            f"data.{name}: {use.size:,} bytes that the bundle does not carry{about}",
            hint=f"get it and add --data {name}=PATH",
        )
    seen = digest_tree(path, f"data.{name}").sha256
    if seen != use.sha256:
        raise InputError(
            f"data.{name}: {path}: other data: its digest is {seen[:12]}, recorded {use.sha256[:12]}",
            hint=f"give the data that was recorded{''.join(f', {text}' for text in _about(use))}: --data {name}=PATH",
        )
    return path


def _about(use: DataUse) -> Iterator[str]:
    if use.licence:
        yield f"licence {use.licence}"
    if use.origin:
        yield f"origin {use.origin}"
    if use.preprocessing:
        yield f"preprocessing {use.preprocessing}"


def receive_outputs(received: Received, folder: Path) -> dict[str, tuple[FileDigest, Path]]:
    """The recorded outputs in the new `folder`; InputError unless they and their metrics are what the record tells."""
    subject, record = f"{received.subject}: {OUTPUTS}", received.record
    unpack(received.files[OUTPUTS], folder, subject)
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    digests = digest_outputs(names)
    if digests != record.outputs:
        differing = sorted(dict(digests.items() ^ record.outputs.items()))
        raise InputError(f"{subject}: {differing[0]} is not what the record tells")
    if record.good and read_metrics(record.asked, names) != record.metrics:
        raise InputError(f"{subject}: {record.asked.metrics}: its metrics are not what the record tells")
    return {name: (digests[name], path) for name, path in names.items()}


def unpack(tar: Path, folder: Path, subject: str) -> None:
    """A verified document's files in the new `folder`."""
    with tar.open("rb") as stream:
        unpack_tree(stream, folder, subject)
