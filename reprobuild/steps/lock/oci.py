"""Locking a base that is an image of a registry: its tag asked once, every blob checked and kept."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reprobuild.ground.digests import short
from reprobuild.ground.errors import InputError, hinting
from reprobuild.ground.parallel import each
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base, PythonOf
from reprobuild.lock.index import LockIndex
from reprobuild.lock.oci import Origin, Reference, parse_reference
from reprobuild.lock.oci_documents import (
    Blob,
    Manifest,
    choose_manifest,
    kind_of,
    parse_configuration,
    parse_manifest,
)
from reprobuild.lock.oci_python import HINT, PATH, find_glibc, find_python, lead_path
from reprobuild.steps.image.image import make_frames, view_layers
from reprobuild.steps.lock.system import System
from reprobuild.steps.world import World
from reprobuild.tools.download import download
from reprobuild.tools.fetch import MissingError
from reprobuild.tools.progress import Progress
from reprobuild.tools.registry import Repository

DOWNLOADS = 4
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NO_PYTHON = PythonOf(package="python3", executable="/usr/bin/python3", site="/usr/lib/python3", scripts="/usr/bin")
"""Of a base in which none was found, or looked for yet."""


def lock_oci(
    reference: str, interpreter: str, world: World, progress: Progress, *, before: LockIndex | None, upgrade: bool
) -> System:
    """The base as `before` has it, without asking anybody; asked for and looked through where that has another one.

    Its Python has no version where the base has none.
    """
    kept = _kept(before) if before else None
    if kept and kept.origin and not upgrade and kept.origin.is_asked_by(reference, interpreter):
        return kept
    image = parse_reference(reference)
    progress.begin(f"asking for {image.name}", 0)
    repository = world.repository(image.registry, image.repository)
    with hinting("is its name right, and is the registry up?"):
        index, sha256, manifest = _resolve(image, repository)
    layers = tuple(_artifact(image, number, blob) for number, blob in enumerate(manifest.layers, 1))
    config = _fetch(image, repository, world, [manifest.config, *manifest.layers], progress)
    environment = _environment(config, image.name)
    base = _base(image, environment)
    view = view_layers(layers, make_frames(layers, base, world.store, progress))
    found = find_python(view, environment, interpreter, image.name)
    origin = Origin(
        reference=reference,
        index=index,
        manifest=sha256,
        config=manifest.config.sha256,
        interpreter=interpreter,
        glibc=find_glibc(view),
    )
    if found:
        leading = lead_path(environment, found.python, view)
        base = base.model_copy(update={"python": found.python, "environment": leading})
    seen = System(base, found.version if found else "", _glibc(origin), layers, origin)
    return replace(seen, notes=_changes(kept, seen)) if kept else seen


def require_python(system: System) -> None:
    """InputError where neither the base nor what was put on it has a Python: a training is one."""
    if not system.python and system.origin:
        name = parse_reference(system.origin.reference).name
        raise InputError(f"{name}: no Python is on its PATH", hint=f"{HINT}, or bring one: [conda] environment")


def _glibc(origin: Origin) -> tuple[int, int] | None:
    major, _, minor = origin.glibc.partition(".")
    return (int(major), int(minor)) if minor else None


def _kept(before: LockIndex) -> System | None:
    if before.origin is None:
        return None
    layers = tuple(artifact for artifact in before.artifacts if artifact.kind == "oci-layer")
    plain = before.plain or before
    return System(plain.base, plain.python, _glibc(before.origin), layers, before.origin)


def _resolve(image: Reference, repository: Repository) -> tuple[str | None, str, Manifest]:
    """The digests of an index, where the tag named one, and of the platform's manifest, and that manifest."""
    try:
        sent = repository.manifest(image.tag, sha256=image.digest)
        index = None
        if kind_of(sent.data, sent.media, image.name) == "index":
            index = sent.sha256
            sent = repository.manifest(image.tag, sha256=choose_manifest(sent.data, image.name))
            if kind_of(sent.data, sent.media, image.name) != "manifest":
                raise InputError(f"{image.name}: an index of indexes")
    except MissingError as error:
        raise MissingError(
            f"{image.name}: {repository.registry} has no such image",
            hint="look at its name and its tag; some registries say so too when a login is missing",
        ) from error
    return index, sent.sha256, parse_manifest(sent.data, image.name)


def _fetch(image: Reference, repository: Repository, world: World, blobs: Sequence[Blob], progress: Progress) -> bytes:
    """Bring every blob into the store, checked; the configuration, which is the first of them, comes back."""
    progress.begin(f"downloading {image.name}", sum(blob.size for blob in blobs))

    def work(blob: Blob) -> None:
        try:
            download(
                f"{image.name}: {short(blob.digest)}",
                [repository.blob_url(blob.sha256)],
                blob.sha256,
                blob.size,
                fetch=repository,
                store=world.store,
                advance=progress.advance,
            )
        except MissingError as error:
            raise InputError(
                f"{image.name}: {repository.registry} names the blob {short(blob.digest)} and has it not",
                hint="it has to be pushed again, or pulled from another registry",
            ) from error

    each(work, {blob.sha256: blob for blob in blobs}.values(), DOWNLOADS)
    return world.store.blob(blobs[0].sha256).read_bytes()


def _artifact(image: Reference, number: int, blob: Blob) -> Artifact:
    return Artifact(
        kind="oci-layer",
        name=image.repository,
        version=str(number),
        filename=blob.digest,
        size=blob.size,
        sha256=blob.sha256,
        source=image.registry,
    )


def _environment(config: bytes, subject: str) -> dict[str, str]:
    """The image's own variables, and the two without which nothing starts well."""
    said = parse_configuration(config, subject)
    if wrong := sorted(name for name in said if not _VARIABLE.fullmatch(name)):
        raise InputError(f"{subject}: Env: {wrong[0][:80]!r}: not the name of a variable")
    return {"LANG": "C.UTF-8", "PATH": PATH, **said}


def _base(image: Reference, environment: Mapping[str, str]) -> Base:
    name = re.sub(r"[^a-z0-9.-]", "-", image.repository.rpartition("/")[2])
    return Base(
        name=name,
        distribution="image",
        architecture="amd64",
        suites=(),
        component="main",
        packages=(),
        python=NO_PYTHON,
        environment=dict(environment),
        links={},
        copies={},
        files={},
        explained={},
    )


def _changes(old: System, new: System) -> tuple[str, ...]:
    """What another answer of the registry changed, for people."""
    was, now = old.origin, new.origin
    assert was
    assert now
    if was.manifest == now.manifest:
        return (f"base: {now.reference} is what it was, sha256:{short(now.manifest)}",)
    before, after = ({artifact.sha256 for artifact in system.artifacts} for system in (old, new))
    layers = f"{len(before & after)} layers kept, {len(after - before)} new, {len(before - after)} gone"
    lines = [f"base: sha256:{short(was.manifest)} → sha256:{short(now.manifest)}: {layers}"]
    facts = [("python", old.python, new.python), ("glibc", was.glibc, now.glibc)]
    first, then = old.base.environment, new.base.environment
    facts += [(name, first.get(name, ""), then.get(name, "")) for name in sorted(first.keys() | then.keys())]
    lines += [f"base: {name}: {one or 'none'} → {other or 'none'}" for name, one, other in facts if one != other]
    return tuple(lines)
