"""From a lock or an image in the store to a root that an engine can run: downloads, layers, bytecode."""

from dataclasses import dataclass
from pathlib import Path

from reprobuild.engines.engine import Container, Engine
from reprobuild.ground.errors import InputError, ToolError
from reprobuild.image.model import MEDIA_TYPES, Image
from reprobuild.lock.base import Base
from reprobuild.lock.index import LockIndex
from reprobuild.steps.built import find_build
from reprobuild.steps.world import World
from reprobuild.tools.progress import Progress
from reprobuild.tools.store import Store

BYTECODE = "/run/reprobuild/bytecode"
"""Where an engine mounts the compiled modules (`PYTHONPYCACHEPREFIX`)."""


@dataclass(frozen=True)
class Prepared:
    """An image that can run: its unpacked root, and the folder of its bytecode."""

    image: Image
    base: Base
    root: Path
    bytecode: Path


def prepare_image(index: LockIndex, world: World, progress: Progress) -> Image:
    """The image of a lock, downloading what the store lacks."""
    if found := find_build(index, world.store):
        return found
    missing = [artifact for artifact in index.artifacts if not world.store.has(artifact.sha256)]
    if missing:
        from reprobuild.steps.downloads import download_all

        download_all(missing, index.base, world, progress)
    from reprobuild.steps.image import build_image

    return build_image(index, world.store, progress)


def prepare_root(image: Image, base: Base, world: World, progress: Progress) -> Prepared:
    """The image unpacked, and its modules compiled by its own Python; both made once per machine."""
    from reprobuild.image.unpack import unpack_layers

    store = world.store
    progress.begin("unpacking the image", sum(layer.unpacked_size for layer in image.layers))
    media_type = image_media_type(image, store)

    def unpack(path: Path) -> None:
        unpack_layers(image.layers, media_type, store.blob, path, progress.advance)

    root = store.made_once("roots", image.image_id, unpack)
    progress.begin("compiling Python modules", 0)
    bytecode = store.made_once("bytecode", image.image_id, lambda path: _compile(root, base, world.engine, path))
    return Prepared(image, base, root, bytecode)


def image_media_type(image: Image, store: Store) -> str:
    """The media type of the layers that the store holds of an image."""
    from reprobuild.ground.canonical import parse_json

    manifest = parse_json(store.blob(image.manifest).read_bytes(), "image manifest")
    types = {layer["mediaType"] for layer in manifest["layers"]}
    if len(types) != 1 or not types <= set(MEDIA_TYPES.values()):
        raise InputError(f"image manifest: layers of {sorted(types)}")
    return str(types.pop())


def _compile(root: Path, base: Base, engine: Engine, target: Path) -> None:
    """Compile with the image's Python: bytecode differs between patch releases, so no other Python will do."""
    target.mkdir()
    folders = [str(Path(base.python.site).parent), "/usr/lib/python3", f"/usr/lib/{base.python.package}"]
    there = [folder for folder in folders if (root / folder.lstrip("/")).is_dir()]
    output: list[bytes] = []
    container = Container(
        # Two compilers a core would only wait; some packages ship files of Python 2, which compileall reports with 1.
        argv=[base.python.executable, "-I", "-m", "compileall", "-q", "-q", "-j", "0", *there],
        environment={**base.environment, "PYTHONPYCACHEPREFIX": BYTECODE},
        folder="/",
        writable={BYTECODE: target},
        timeout=3600,
    )
    done = engine.execute(root, container, output.append)
    if done.reason == "interrupted":
        raise KeyboardInterrupt
    if done.status not in (0, 1):
        raise ToolError(f"compileall: ended with {done.status or done.signal}: {b''.join(output)[-200:]!r}")
