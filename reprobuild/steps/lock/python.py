"""Locking wheels: a resolution, the file of each pin that fits the image, and the proof that nothing is missing."""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError
from reprobuild.ground.parallel import each
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base
from reprobuild.lock.python.closure import Metadata, find_gaps, find_reached, parse_metadata
from reprobuild.lock.python.requirements import (
    Pin,
    check_file_name,
    included_files,
    logical_lines,
    parse_pins,
    parse_requirements,
)
from reprobuild.lock.python.target import Target
from reprobuild.lock.python.wheels import NoWheelError, choose_wheel
from reprobuild.tools.fetch import Fetcher
from reprobuild.tools.pip import PipIndex, PipSources
from reprobuild.tools.process import Runner
from reprobuild.tools.progress import Progress
from reprobuild.tools.resolvers import UnresolvedError, compile_with_pip_tools, compile_with_uv
from reprobuild.tools.store import Store
from reprobuild.tools.wheels import describe_offers, locate_wheel, lock_wheel

BASE_FOLDER = ".base"
"""Where a resolver finds the requirements of the base beside the project's own files."""
HINT_OF_BASE = "the base's own requirements count too: take another base, or one of yours with fewer of them"
MAX_FILE = 1 << 20
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


@dataclass(frozen=True)
class Wanted:
    """A project's own requirements and the text of every file they come from, by normal path."""

    files: tuple[str, ...]
    roots: tuple[Requirement, ...]
    texts: Mapping[str, str]
    of_base: tuple[Requirement, ...] = ()
    """What the base requires besides."""

    @property
    def all_roots(self) -> tuple[Requirement, ...]:
        """What the pins must satisfy."""
        return self.roots + self.of_base


def lock_python(
    folder: Path,
    files: Sequence[str],
    resolver: str,
    target: Target,
    outside: Outside,
    progress: Progress,
    base: Base | None = None,
) -> PythonLock:
    """The wheels for requirement files of `folder` and of the base, which share one resolution and so one version each.

    InputError when there is no complete set that fits the image.
    """
    if not files and not (base and base.cuda):
        return PythonLock("", ())
    wanted = _read_wanted(folder, files)
    if base and base.cuda:
        wanted = _with_base(wanted, base.name, base.cuda.requirements)
    # Resolvers see a copy: no configuration beside the files, no absolute path, and the bytes that were hashed.
    with tempfile.TemporaryDirectory(prefix="reprobuild-") as copy:
        for path, text in wanted.texts.items():
            (Path(copy) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(copy) / path).write_text(text, encoding="utf-8")
        return _Locking(Path(copy), wanted, target, outside, progress).lock(resolver)


def read_requirements(folder: Path, files: Sequence[str]) -> tuple[list[Requirement], dict[str, str]]:
    """The project's own requirements, and each file they come from with the digest of what it says, comments aside."""
    wanted = _read_wanted(folder, files)
    said = {path: "\n".join(line for _, line in logical_lines(text)) for path, text in wanted.texts.items()}
    return list(wanted.roots), {path: sha256_bytes(text.encode()) for path, text in said.items()}


def find_wheels(
    pins: Mapping[str, Pin], target: Target, outside: Outside, progress: Progress
) -> tuple[tuple[Artifact, ...], Metadata]:
    """The wheel of every pin, by name, and what its METADATA says; InputError for a pin without a wheel."""
    index = PipIndex(outside.sources, outside.fetch)
    progress.begin("choosing wheels", len(pins))

    def work(pin: Pin) -> tuple[Artifact, bytes]:
        offers = choose_wheel(pin, index.offers(pin.name), target)
        result = lock_wheel(pin, offers, outside.fetch, outside.store)
        progress.advance()
        return result

    found = each(work, (pins[name] for name in sorted(pins)), THREADS)
    metadata = {artifact.name: parse_metadata(data, artifact.filename) for artifact, data in found}
    return tuple(artifact for artifact, _ in found), metadata


def wheel_urls(artifact: Artifact, index: PipIndex) -> list[str]:
    """Where a locked wheel can be had: pip's places that offer that file, digest untold or the same."""
    return locate_wheel(artifact, index.offers(artifact.name))


@dataclass(frozen=True)
class _Locking:
    """One resolution in `folder`, a copy of the requirement files."""

    folder: Path
    wanted: Wanted
    target: Target
    outside: Outside
    progress: Progress

    def lock(self, resolver: str) -> PythonLock:
        """The lock by the resolver that is asked for, or by uv when pip-tools' answer is not the image's."""
        if resolver == "uv":
            return self._lock_with_uv()
        if sys.version_info[:2] != self.target.version:
            return self._lock_with_uv("this machine's is {}.{}".format(*sys.version_info[:2]))
        try:
            self.progress.begin("resolving with pip-tools", 0)
            text = compile_with_pip_tools(self.folder, self.wanted.files, self.outside.runner, self.outside.sources)
            lock, gaps = self._check(text)
        except NoWheelError as error:  # this machine may take wheels that the image cannot: another version might do
            try:
                return self._lock_with_uv(str(error))
            except UnresolvedError:
                raise error from None
        except UnresolvedError as error:
            raise self._explained(error) from error
        return self._lock_with_uv(gaps[0]) if gaps else lock

    def _lock_with_uv(self, why: str = "") -> PythonLock:
        self.progress.begin("resolving with uv", 0)
        outside, files = self.outside, self.wanted.files
        try:
            text = compile_with_uv(self.folder, files, self.target, outside.runner, outside.sources)
        except UnresolvedError as error:
            raise self._explained(error) from error
        lock, gaps = self._check(text)
        if gaps:
            raise InputError(f"{', '.join(files)}: {gaps[0]}", hint="pin it in a requirement file")
        note = f"pip-tools resolves for this machine's Python, and {why}: resolved with uv for {self.target}"
        return replace(lock, notes=(note, *lock.notes)) if why else lock

    def _check(self, text: str) -> tuple[PythonLock, list[str]]:
        pins, wanted = parse_pins(text, "requirements.txt"), self.wanted
        artifacts, metadata = find_wheels(pins, self.target, self.outside, self.progress)
        gaps = find_gaps(wanted.all_roots, {name: pin.version for name, pin in pins.items()}, metadata, self.target)
        of_base, of_project = (find_reached(roots, metadata, self.target) for roots in (wanted.of_base, wanted.roots))
        saved = sum(artifact.size for artifact in artifacts if artifact.name in of_base & of_project)
        note = f"the base and the project's wheels bring the same CUDA libraries: kept once, {saved:,} bytes saved"
        return PythonLock(text, artifacts, (note,) if saved else ()), gaps

    def _explained(self, error: UnresolvedError) -> UnresolvedError:
        """With what exists of the project that has nothing fitting, when the resolver names one."""
        hint = f"{error.hint}; {HINT_OF_BASE}" if self.wanted.of_base else error.hint
        if not error.project:
            return UnresolvedError(str(error), hint=hint)
        offers = PipIndex(self.outside.sources, self.outside.fetch).offers(canonicalize_name(error.project))
        there = describe_offers(offers) or "no source that pip is configured with has any file of it"
        return UnresolvedError(f"{error}; {there}", hint=hint, project=error.project)


def _read_wanted(folder: Path, files: Sequence[str]) -> Wanted:
    roots: list[Requirement] = []
    texts: dict[str, str] = {}
    named = [check_file_name(path, path) for path in files]
    queue = [(path, False) for path in named]
    requires: set[str] = set()
    while queue:
        path, constrains = queue.pop(0)
        if path in requires or (constrains and path in texts):
            continue
        texts[path] = texts.get(path) or _read_text(folder, path)
        found = parse_requirements(texts[path], path)
        if not constrains:
            requires.add(path)
            roots += found
        queue += [(name, constrains or only) for name, only in included_files(texts[path], path)]
    return Wanted(tuple(named), tuple(roots), texts)


def _with_base(wanted: Wanted, name: str, requirements: Sequence[str]) -> Wanted:
    """What the base requires comes last: a resolver that looks at the project first seldom has to turn back."""
    path = f"{BASE_FOLDER}/{name}.in"
    if any(text.startswith(f"{BASE_FOLDER}/") for text in wanted.texts):
        raise InputError(
            f"{BASE_FOLDER}: a requirement file of the project is in this folder", hint="rename the folder"
        )
    of_base: list[Requirement] = []
    for line in requirements:
        found = parse_requirements(line, f"{name}: cuda.requirements")
        if len(found) != 1 or "\n" in line:
            raise InputError(f"{name}: cuda.requirements: {line!r}: not one requirement (PEP 508)")
        of_base += found
    text = "".join(f"{line}\n" for line in requirements)
    return Wanted((*wanted.files, path), wanted.roots, {**wanted.texts, path: text}, tuple(of_base))


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
