"""Downloads into the store: resumed, bounded by the locked size, checked before they get a name."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from reprobuild.ground.digests import chunks
from reprobuild.ground.errors import InputError, ReprobuildError
from reprobuild.tools.fetch import Fetcher, MissingError, redact
from reprobuild.tools.store import Store

TRIES = 5
"""At one place, as often as pip tries; each must bring more of the file."""
MAX_UNKNOWN = 16 << 30
"""Bytes at most when nobody said how large the file is."""


def download(
    subject: str,
    urls: Sequence[str],
    sha256: str,
    size: int | None,
    *,
    fetch: Fetcher,
    store: Store,
    advance: Callable[[int], object] = lambda _: None,
) -> Path:
    """The blob of that digest, from the first place that has it; an unfinished file is kept and resumed.

    InputError when a place sends other bytes, MissingError when no place has the file.
    """
    if store.has(sha256):
        advance(size or 0)
        return store.blob(sha256)
    with store.locked(f"blob-{sha256}"):
        if store.has(sha256):
            advance(size or 0)
            return store.blob(sha256)
        problem: ReprobuildError = MissingError(f"{subject}: no source has it")
        partial = store.root / "tmp" / "partial" / sha256
        for url in urls:
            for _ in range(TRIES):
                before = _size(partial)
                try:
                    return _from(subject, url, sha256, size, fetch, store, advance)
                except ReprobuildError as error:
                    problem = error
                if not _size(partial) > before:
                    break  # the same place once more makes sense only where it brought something
        raise problem


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _from(
    subject: str,
    url: str,
    sha256: str,
    size: int | None,
    fetch: Fetcher,
    store: Store,
    advance: Callable[[int], object],
) -> Path:
    partial = store.root / "tmp" / "partial" / sha256
    partial.parent.mkdir(parents=True, exist_ok=True)
    limit = MAX_UNKNOWN if size is None else size
    with partial.open("ab+") as target:
        digest, done = _so_far(target, limit)
        with fetch.stream(url, offset=done) as (start, incoming):
            if start != done:
                digest, done = hashlib.sha256(), 0
                target.truncate(0)
            resumed = done > 0
            advance(done)
            for chunk in incoming:
                done += len(chunk)
                if done > limit:
                    break
                target.write(chunk)
                digest.update(chunk)
                advance(len(chunk))
    if size is not None and done < size:
        raise InputError(
            f"{subject}: {redact(url)} ended after {done} of {size} bytes", hint="run it again: it resumes"
        )
    if done > limit or digest.hexdigest() != sha256:
        partial.unlink()
        if resumed:  # what came earlier may have been wrong, perhaps from another place
            return _from(subject, url, sha256, size, fetch, store, advance)
        found = f"more than {limit} bytes" if done > limit else f"sha256 {digest.hexdigest()[:12]}"
        raise InputError(
            f"{subject}: {redact(url)} sends {found}, the lock says {sha256[:12]}",
            hint="the file was replaced at its source: run reprobuild lock, or use another source",
        )
    return store.keep(partial, sha256)


def _so_far(target: BinaryIO, limit: int) -> "tuple[hashlib._Hash, int]":
    """Digest and length of what an unfinished file has; of nothing when it cannot be part of a file of that size."""
    digest, done = hashlib.sha256(), 0
    target.seek(0)
    for chunk in chunks(target):
        digest.update(chunk)
        done += len(chunk)
    if done >= limit:  # a whole file of other bytes, or one cut off at the very end
        target.truncate(0)
        return hashlib.sha256(), 0
    return digest, done


def digest_of(url: str, fetch: Fetcher) -> str:
    """The SHA-256 of what a place sends, at most MAX_UNKNOWN bytes of it; nothing is kept."""
    digest, done = hashlib.sha256(), 0
    with fetch.stream(url, offset=0) as (_, incoming):
        for chunk in incoming:
            done += len(chunk)
            if done > MAX_UNKNOWN:
                raise InputError(f"{redact(url)}: more than {MAX_UNKNOWN} bytes")
            digest.update(chunk)
    return digest.hexdigest()
