"""Locking the Debian packages of a base: releases verified, indices fetched, the closure chosen."""

import lzma
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError, ReprobuildError, ToolError
from reprobuild.ground.parallel import each
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base, Suite
from reprobuild.lock.debian.packages import Package
from reprobuild.lock.debian.release import Index, Release, verify_release
from reprobuild.lock.debian.resolver import resolve
from reprobuild.lock.debian.universe import Universe
from reprobuild.tools.fetch import Fetcher, MissingError
from reprobuild.tools.store import Store

MAX_RELEASE = 16 << 20
MAX_INDEX = 1 << 30
"""Bytes of an unpacked index: main of a whole release is about 50 MB."""
Mirrors = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class DebianLock:
    """The locked packages, the exact version of the image's Python, and its glibc as (major, minor)."""

    artifacts: tuple[Artifact, ...]
    python: str
    glibc: tuple[int, int]


def lock_debian(
    base: Base, keys: bytes, extra: Sequence[str], *, fetch: Fetcher, mirrors: Mirrors, store: Store, now: datetime
) -> DebianLock:
    """The closure of the base's packages and `extra` over all of the base's suites."""
    universe = read_universe(base, keys, fetch=fetch, mirrors=mirrors, store=store, now=now)
    chosen = resolve(universe, (*base.packages, *extra, base.python.package))
    versions = {package.name: package.version for package in chosen}
    glibc = re.match(r"(\d+)\.(\d+)", versions.get("libc6", ""))
    if not glibc:
        raise InputError(f"{base.name}: no libc6 among its packages")
    python = re.match(r"\d+\.\d+\.\d+", versions[base.python.package])
    if not python:
        raise InputError(f"{base.name}: {base.python.package} has the version {versions[base.python.package]}")
    return DebianLock(tuple(map(_artifact, chosen)), python[0], (int(glibc[1]), int(glibc[2])))


def read_universe(
    base: Base, keys: bytes, *, fetch: Fetcher, mirrors: Mirrors, store: Store, now: datetime
) -> Universe:
    """What the base's suites offer, every byte of it vouched for by the archive's signature."""

    def index_of(suite: Suite) -> bytes:
        return _index(suite, base, keys, fetch, mirrors, store, now)

    found = each(index_of, base.suites, len(base.suites))
    indices = dict(zip((suite.name for suite in base.suites), found, strict=True))
    return Universe(indices, base.architecture, list(indices))


def _artifact(package: Package) -> Artifact:
    return Artifact(
        kind="deb",
        name=package.name,
        version=package.version,
        filename=package.path.rpartition("/")[2],
        size=package.size,
        sha256=package.sha256,
        source=package.suite,
        path=package.path,
    )


def _index(
    suite: Suite, base: Base, keys: bytes, fetch: Fetcher, mirrors: Mirrors, store: Store, now: datetime
) -> bytes:
    """The verified, unpacked `Packages` of one suite, from the first mirror that has it."""
    problem: ReprobuildError | None = None
    for mirror in mirrors(suite.name):
        try:
            data = fetch.read(f"{mirror}/dists/{suite.name}/InRelease", limit=MAX_RELEASE).body
            release = verify_release(data, keys, suite, now)
            path = f"{base.component}/binary-{base.architecture}/Packages.xz"
            if path not in release.files:
                raise InputError(f"{suite.name}: InRelease vouches for no {path}")
            return _unpacked(_packed(mirror, suite, release, release.files[path], fetch, store), suite.name)
        except ReprobuildError as error:
            problem = problem or error
    raise problem or ToolError(f"{suite.name}: no mirror")


def _packed(mirror: str, suite: Suite, release: Release, index: Index, fetch: Fetcher, store: Store) -> bytes:
    if store.has(index.sha256):
        return store.blob(index.sha256).read_bytes()
    root = f"{mirror}/dists/{suite.name}"
    folder = index.path.rpartition("/")[0]
    places = [f"{root}/{folder}/by-hash/SHA256/{index.sha256}"] if release.by_hash else []
    for place in [*places, f"{root}/{index.path}"]:
        try:
            data = fetch.read(place, limit=index.size + 1).body
        except MissingError:
            continue
        if len(data) != index.size or sha256_bytes(data) != index.sha256:
            raise InputError(
                f"{suite.name}: {index.path}: the mirror's file is {sha256_bytes(data)[:12]}, "
                f"the signed release says {index.sha256[:12]}",
                hint="the mirror is being updated, or it is broken: try again later or use another one",
            )
        store.add_bytes(data)
        return data
    raise MissingError(f"{suite.name}: {index.path}: not on the mirror")


def _unpacked(data: bytes, subject: str) -> bytes:
    try:
        unpacker = lzma.LZMADecompressor(memlimit=256 << 20)
        index = unpacker.decompress(data, max_length=MAX_INDEX)
    except lzma.LZMAError as error:
        raise InputError(f"{subject}: Packages.xz is broken: {error}") from error
    if not unpacker.eof or unpacker.unused_data:
        raise InputError(f"{subject}: Packages.xz is not one whole xz stream")
    return index
