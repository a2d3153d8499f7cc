"""Locking wheels: a resolution, the file of each pin that fits the image, and the proof that nothing is missing."""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from packaging.requirements import Requirement

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.python.closure import find_gaps, parse_metadata
from reprobuild.lock.python.requirements import Pin, included_files, logical_lines, parse_pins, parse_requirements
from reprobuild.lock.python.target import Target
from reprobuild.lock.python.wheels import Offer, choose_wheel
from reprobuild.tools.download import download
from reprobuild.tools.fetch import Fetcher, MissingError
from reprobuild.tools.pip import PipIndex, PipSources
from reprobuild.tools.process import Runner
from reprobuild.tools.progress import Progress
from reprobuild.tools.resolvers import compile_with_pip_tools, compile_with_uv
from reprobuild.tools.store import Store

MAX_FILE = 1 << 20
MAX_METADATA = 16 << 20
THREADS = 8


@dataclass(frozen=True)
class PythonLock:
    """`requirements.txt` as it is written, the wheel of every pin, and what the reader should know."""

    requirements: str
    artifacts: tuple[Artifact, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outside:
    """The doors that locking wheels needs."""

    fetch: Fetcher
    runner: Runner
    store: Store
    sources: PipSources


def read_requirements(folder: Path, files: Sequence[str]) -> tuple[list[Requirement], dict[str, str]]:
    """The project's own requirements, and every file they come from with the digest of what it says (comments aside)."""
    roots: list[Requirement] = []
    digests: dict[str, str] = {}
    queue = [(path, False) for path in files]
    while queue:
        path, constrains = queue.pop(0)
        if path in digests:
            continue
        text = _read_text(folder, path)
        digests[path] = sha256_bytes("\n".join(line for _, line in logical_lines(text)).encode())
        found = parse_requirements(text, path)
        roots += [] if constrains else found
        queue += [(name, constrains or only) for name, only in included_files(text, path)]
    return roots, digests


def _read_text(folder: Path, path: str) -> str:
    try:
        with (folder / path).open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise InputError(f"{path}: larger than {MAX_FILE} bytes")
        return data.decode()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error}") from error


def lock_python(
    folder: Path, files: Sequence[str], resolver: str, target: Target, outside: Outside, progress: Progress
) -> PythonLock:
    """The wheels for requirement files of `folder`; InputError when there is no complete set that fits the image."""
    roots, _ = read_requirements(folder, files)
    if not files:
        return PythonLock("", ())
    index = PipIndex(outside.sources, outside.fetch)
    notes = []
    if resolver == "pip-tools":
        text, why = _try_pip_tools(folder, files, roots, target, outside, index, progress)
        if not why and isinstance(text, PythonLock):
            return text
        notes.append(f"pip-tools resolves for this machine's Python, and {why}: resolved with uv for {target}")
    pins_text = compile_with_uv(folder, files, target, outside.runner, outside.sources)
    lock, gaps = _lock_pins(pins_text, roots, target, outside, index, progress)
    if gaps:
        raise InputError(f"{', '.join(files)}: {gaps[0]}", hint="pin it in a requirement file")
    return PythonLock(lock.requirements, lock.artifacts, tuple(notes))


def _try_pip_tools(
    folder: Path,
    files: Sequence[str],
    roots: Sequence[Requirement],
    target: Target,
    outside: Outside,
    index: PipIndex,
    progress: Progress,
) -> tuple[PythonLock | None, str]:
    """What pip-tools gives for the image, or why it does not do."""
    import sys

    if sys.version_info[:2] != target.version:
        return None, "this machine's is {}.{}".format(*sys.version_info[:2])
    progress.begin("resolving with pip-tools", 0)
    text = compile_with_pip_tools(folder, files, outside.runner, outside.sources)
    lock, gaps = _lock_pins(text, roots, target, outside, index, progress)
    return lock, gaps[0] if gaps else ""


def _lock_pins(
    text: str, roots: Sequence[Requirement], target: Target, outside: Outside, index: PipIndex, progress: Progress
) -> tuple[PythonLock, list[str]]:
    pins = parse_pins(text, "requirements.txt")
    progress.begin("choosing wheels", len(pins))

    def work(pin: Pin) -> tuple[Artifact, tuple[list[Requirement], str]]:
        result = _lock_pin(pin, target, outside, index)
        progress.advance()
        return result

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(work, (pins[name] for name in sorted(pins))))
    metadata = {artifact.name: needs for artifact, needs in found}
    gaps = find_gaps(roots, {name: pin.version for name, pin in pins.items()}, metadata, target)
    return PythonLock(text, tuple(artifact for artifact, _ in found)), gaps


def _lock_pin(
    pin: Pin, target: Target, outside: Outside, index: PipIndex
) -> tuple[Artifact, tuple[list[Requirement], str]]:
    offers = choose_wheel(pin, index.offers(pin.name), target)
    told = next((offer for offer in offers if offer.sha256), None)
    sha256 = told.sha256 if told else _digest_of(pin, offers[0], outside)
    size = next((offer.size for offer in offers if offer.size is not None), None)
    filename = offers[0].filename
    metadata = _served_metadata(offers, outside.fetch)
    if metadata is None or size is None:
        urls = [offer.url for offer in offers]
        blob = download(filename, urls, sha256, size, fetch=outside.fetch, store=outside.store)
        size = blob.stat().st_size
        metadata = _packed_metadata(blob, filename) if metadata is None else metadata
    artifact = Artifact(
        kind="wheel",
        name=pin.name,
        version=str(pin.version),
        filename=filename,
        size=size,
        sha256=sha256,
        source="pip",
    )
    return artifact, parse_metadata(metadata, filename)


def _digest_of(pin: Pin, offer: Offer, outside: Outside) -> str:
    """The digest of a file whose source does not tell it, when it is one that the pin allows."""
    with outside.fetch.stream(offer.url, offset=0) as (_, incoming):
        digest = hashlib.sha256()
        for chunk in incoming:
            digest.update(chunk)
    if digest.hexdigest() not in pin.hashes:
        raise InputError(f"{offer.filename}: its sha256 is {digest.hexdigest()[:12]}, which the pin does not allow")
    return digest.hexdigest()


def _served_metadata(offers: Sequence[Offer], fetch: Fetcher) -> bytes | None:
    """METADATA as a source serves it beside the wheel (PEP 658), where its digest is told and right."""
    for offer in offers:
        if not offer.metadata_sha256:
            continue
        try:
            data, _ = fetch.read(offer.url + ".metadata", limit=MAX_METADATA)
        except MissingError:
            continue
        if sha256_bytes(data) != offer.metadata_sha256:
            raise InputError(f"{offer.filename}.metadata: the index promises another sha256 than it sends")
        return data
    return None


def _packed_metadata(wheel: Path, subject: str) -> bytes:
    try:
        with ZipFile(wheel) as archive:
            name, version = subject.split("-")[:2]
            info = archive.getinfo(f"{name}-{version}.dist-info/METADATA")
            if info.file_size > MAX_METADATA:
                raise InputError(f"{subject}: METADATA of {info.file_size} bytes")
            return archive.read(info)
    except (BadZipFile, KeyError, NotImplementedError) as error:
        raise InputError(f"{subject}: not a wheel: {error}") from error


def wheel_urls(artifact: Artifact, index: PipIndex) -> Mapping[str, None]:
    """Where a locked wheel can be had: pip's places that offer that file, digest untold or the same."""
    return {
        offer.url: None
        for offer in index.offers(artifact.name)
        if offer.filename == artifact.filename and offer.sha256 in ("", artifact.sha256)
    }
