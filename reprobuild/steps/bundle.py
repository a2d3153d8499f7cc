"""`bundle`: a recorded run and its image to one file."""

import gzip
import os
import shutil
from pathlib import Path

from reprobuild.bundle.write import Piece, write_bundle
from reprobuild.ground.errors import InputError, UsageError
from reprobuild.ground.parallel import each
from reprobuild.image.frame import open_unpacked
from reprobuild.image.model import MEDIA_TYPES, Compression, Image, Layer
from reprobuild.image.oci import render_manifest
from reprobuild.record.folder import GUIDE, LOCK, LOG, NUMERICS, OUTPUTS, RECORD, SOURCE, read_record
from reprobuild.steps.image.built import find_image
from reprobuild.steps.lock.file import CONDA_LOCK, REQUIREMENTS
from reprobuild.steps.run.source import is_bundle
from reprobuild.tools.store import Store

JSON, TEXT, TAR, MARKDOWN = "application/json", "text/plain", "application/x-tar", "text/markdown"
MAYBE = (CONDA_LOCK, GUIDE, NUMERICS)
"""Documents that a run may lack."""
GZIP_LEVEL = 6


def make_bundle(folder: Path, store: Store, target: Path, compression: Compression = "zstd") -> str:
    """Write the bundle of the run recorded in `folder` and return its digest; a failed run makes none."""
    record = read_record(folder)
    if not record.good:
        raise InputError(
            f"run {folder.name}: it {record.ending.message.removeprefix('it ')}",
            hint=f"a bundle is made of a run that succeeded; its log is {folder / LOG}",
        )
    image = find_image(record.image, store)
    if image is None:
        raise InputError(f"run {folder.name}: its image is not in the store", hint="run reprobuild image")
    if compression == "gzip":
        image = gzip_image(image, store)
    elif compression != "zstd":
        raise UsageError(f"--compression {compression}: zstd or gzip")
    names = [image.image_id, image.manifest, *(layer.sha256 for layer in image.layers)]
    blobs = {name: store.blob(name) for name in names}
    return write_bundle(target, record.project, image, blobs, list(_pieces(folder)), compression)


def check_target(target: Path, option: str) -> None:
    """UsageError where no bundle can be written, or where something else would be lost; `option` is who named it."""
    if target.is_dir():
        problem = "a folder"
    elif not target.parent.is_dir():
        problem = f"{target.parent} is no folder"
    elif target.exists() and not is_bundle(target):
        problem = "it exists and is no bundle"
    elif not os.access(target.parent, os.W_OK | os.X_OK):
        problem = f"{target.parent} cannot be written"
    else:
        return
    raise UsageError(f"{option} {target}: {problem}", hint="name a new file, or a bundle to replace")


def _pieces(folder: Path) -> list[Piece]:
    """The documents of a run in the order of the bundle: the two that `inspect` reads, then the others."""
    kinds = {LOCK: JSON, RECORD: JSON, REQUIREMENTS: TEXT, CONDA_LOCK: TEXT, SOURCE: TAR, OUTPUTS: TAR, LOG: TEXT}
    kinds |= {GUIDE: MARKDOWN, NUMERICS: JSON}
    there = {name: kind for name, kind in kinds.items() if name not in MAYBE or (folder / name).is_file()}
    pieces = [Piece(name, kind, folder / name) for name, kind in there.items()]
    data = sorted((folder / "data").glob("*.tar"))
    return [*pieces, *(Piece(f"data/{path.name}", TAR, path) for path in data)]


def gzip_image(image: Image, store: Store) -> Image:
    """The same image with gzip layers: another manifest, the same ID."""
    layers = tuple(each(lambda layer: _gzip_layer(layer, store), image.layers, os.cpu_count() or 1))
    config = store.blob(image.image_id)
    blobs = [(layer.sha256, layer.size) for layer in layers]
    manifest = store.add_bytes(render_manifest((image.image_id, config.stat().st_size), blobs, "gzip"))
    return image.model_copy(update={"manifest": manifest, "layers": layers})


def _gzip_layer(layer: Layer, store: Store) -> Layer:
    note = store.path("gzip", layer.diff_id)
    if note.is_file() and store.has(note.read_text()):
        sha256 = note.read_text()
    else:
        with store.temporary() as path, open_unpacked(store.blob(layer.sha256), MEDIA_TYPES["zstd"]) as stream:
            # No name and no time in the header (RFC 1952), so the bytes depend on the layer alone.
            with path.open("wb") as raw, gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0) as packed:
                shutil.copyfileobj(stream, packed, 1 << 20)
            sha256 = store.keep_file(path)
        store.replace("gzip", layer.diff_id, sha256.encode())
    return layer.model_copy(update={"sha256": sha256, "size": store.blob(sha256).stat().st_size})
