"""`image`: a lock whose artifacts are in the store, to an OCI image in the store."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, cast

from packaging.utils import canonicalize_name

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import CHUNK, sha256_bytes
from reprobuild.ground.tar import END
from reprobuild.hardware.needs import Needs
from reprobuild.hardware.obstacles import numbers
from reprobuild.image.cuda import toolkit_note
from reprobuild.image.frame import (
    FACTS,
    FRAME,
    Facts,
    Hashing,
    end_frame,
    frame_key,
    make_frame,
    open_unpacked,
    read_note,
    write_frame,
)
from reprobuild.image.join import join_entries
from reprobuild.image.layers import plan_layers
from reprobuild.image.made import make_rest, script_notes
from reprobuild.image.made_on import make_rest_on
from reprobuild.image.model import MEDIA_TYPES, Image, Layer
from reprobuild.image.note import Note
from reprobuild.image.oci import render_config, render_manifest
from reprobuild.image.owners import require_one_owner
from reprobuild.image.replaced import remove_replaced
from reprobuild.image.spool import Spool
from reprobuild.image.view import View
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base
from reprobuild.lock.index import LockIndex
from reprobuild.steps.image.built import build_key, find_build, keep_image
from reprobuild.tools.progress import Progress
from reprobuild.tools.store import Store


def build_image(index: LockIndex, store: Store, progress: Progress) -> Image:
    """The image of a lock; what was built before is found again by what it is made from."""
    if found := find_build(index, store):
        return found
    artifacts = sorted(index.artifacts, key=lambda artifact: artifact.sha256)
    frames = make_frames(artifacts, index.base, store, progress)
    plan = plan_layers(index.artifacts)
    ordered = [artifact for group in plan for artifact in group]
    seen = {artifact.sha256: read_note(frames[artifact.sha256]) for artifact in ordered}
    require_one_owner((artifact, seen[artifact.sha256]) for artifact in ordered)
    layers = [_layer(group, frames, store) for group in plan]
    if index.origin:
        below = [artifact for artifact in ordered if artifact.kind == "oci-layer"]
        layers[len(below) : len(below)] = _removing(index, view_layers(below, frames), store)
    notes = list(seen.values())
    with Spool("image") as spool, store.temporary() as folder:
        if index.origin:
            make_rest_on(index.base, view_layers(index.artifacts, frames), spool)
        else:
            make_rest(index.base, notes, spool, toolkit_note(index.base, index.artifacts, seen))
        folder.mkdir()
        facts = write_frame(spool, folder / FRAME)
        (folder / FACTS).write_bytes(facts.to_bytes())
        layers.append(_layer_of([folder], ("links, accounts and caches",), store))
    config = render_config(index.base, layers)
    image_id = store.add_bytes(config)
    blobs = [(layer.sha256, layer.size) for layer in layers]
    manifest = store.add_bytes(render_manifest((image_id, len(config)), blobs, "zstd"))
    image = Image(
        image_id=image_id,
        manifest=manifest,
        layers=tuple(layers),
        notes=script_notes(index.base, notes),
        needs=_needs(index, seen),
    )
    keep_image(image, store)
    store.replace("builds", build_key(index), image.image_id.encode())
    return image


def _removing(index: LockIndex, base: View, store: Store) -> list[Layer]:
    """The layer between a base and what comes on it, if that replaces something."""
    wheels = {canonicalize_name(artifact.name) for artifact in index.artifacts if artifact.kind == "wheel"}
    with Spool("replaced", whiteouts=True) as spool, store.temporary() as folder:
        names = remove_replaced(base, wheels, index.base.python.site, spool)
        if not names:
            return []
        folder.mkdir()
        (folder / FACTS).write_bytes(write_frame(spool, folder / FRAME).to_bytes())
        return [_layer_of([folder], tuple(f"without {name}" for name in names), store)]


def view_layers(artifacts: Sequence[Artifact], frames: Mapping[str, Path]) -> View:
    """What is in an image whose base is an image, by the notes of its frames."""
    ordered = [artifact for group in plan_layers(artifacts) for artifact in group]
    return View((f"{item.name} {item.version}", read_note(frames[item.sha256])) for item in ordered)


def _needs(index: LockIndex, seen: Mapping[str, Note]) -> Needs:
    """What the artifacts' code asks of a machine; of several C libraries, the one that asks for most counts."""
    names = {artifact.sha256: f"{artifact.name} {artifact.version}" for artifact in index.artifacts}
    paths = (path for note in seen.values() for path in note.paths)
    return Needs(
        kernels={names[sha256]: note.kernels for sha256, note in sorted(seen.items()) if note.kernels},
        linux=max((note.linux for note in seen.values()), key=numbers, default=""),
        forward_compatible=any("compat/libcuda.so." in path for path in paths),
    )


def make_frames(artifacts: Iterable[Artifact], base: Base, store: Store, progress: Progress) -> dict[str, Path]:
    """The folder of every artifact's frame, by the artifact's digest; missing ones are made on all cores."""
    keys = {artifact.sha256: frame_key(artifact, base) for artifact in artifacts}
    places = {sha256: store.path("frames", key) for sha256, key in keys.items()}
    once = {artifact.sha256: artifact for artifact in artifacts}
    missing = [artifact for artifact in once.values() if not places[artifact.sha256].is_dir()]
    progress.begin("packing layers", sum(artifact.size for artifact in missing))
    if missing:
        # forkserver: a forked child of a program with threads may inherit a held lock.
        workers = min(len(missing), os.cpu_count() or 1)
        with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
            largest_first = sorted(missing, key=lambda artifact: -artifact.size)
            jobs = {
                pool.submit(_make_one, artifact, base, store.root, keys[artifact.sha256]): artifact
                for artifact in largest_first
            }
            try:
                for job in as_completed(jobs):
                    job.result()
                    progress.advance(jobs[job].size)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    return places


def _make_one(artifact: Artifact, base: Base, root: Path, key: str) -> None:
    store = Store(root)
    store.made_once("frames", key, lambda folder: make_frame(artifact, store.blob(artifact.sha256), base, folder))


def _layer(group: Sequence[Artifact], frames: dict[str, Path], store: Store) -> Layer:
    folders = [frames[artifact.sha256] for artifact in group]
    holds = tuple(f"{artifact.name} {artifact.version}" for artifact in group)
    key = sha256_bytes(canonical_json([folder.name for folder in folders]))
    path = store.path("layers", key)
    if path.is_file():
        layer = Layer.from_bytes(path.read_bytes(), str(path))
        if store.has(layer.sha256) and layer.holds == holds:
            return layer
    layer = _layer_of(folders, holds, store)
    store.replace("layers", key, layer.to_bytes())
    return layer


def _layer_of(folders: Sequence[Path], holds: tuple[str, ...], store: Store) -> Layer:
    """The layer that frames make one after another; several are joined, so that no path is in it twice."""
    with store.temporary() as path, store.temporary() as joined:
        packed = _concatenate(folders, path)
        if len(folders) == 1:
            facts = Facts.from_bytes((folders[0] / FACTS).read_bytes(), str(folders[0]))
            facts = facts.model_copy(update={"unpacked_size": facts.unpacked_size + len(END)})
        else:
            with joined.open("wb") as target:
                packed = Hashing(target)
                media_type = MEDIA_TYPES["zstd"]
                facts = join_entries(lambda: open_unpacked(path, media_type), cast(BinaryIO, packed), holds[0])
            joined.replace(path)
        sha256 = packed.digest.hexdigest()
        store.keep(path, sha256)
    return Layer(
        diff_id=facts.diff_id,
        sha256=sha256,
        size=packed.size,
        unpacked_size=facts.unpacked_size,
        holds=holds,
    )


def _concatenate(folders: Sequence[Path], path: Path) -> Hashing:
    """Write the archive of frames one after another."""
    with path.open("wb") as target:
        packed = Hashing(target)
        for folder in folders:
            with (folder / FRAME).open("rb") as stream:
                shutil.copyfileobj(stream, cast(BinaryIO, packed), CHUNK)
        packed.write(end_frame())
    return packed
