"""Bundles made by the real steps from a tiny image, in whatever engine a test gives."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builders.host import ENVIRONMENT, make_root
from builders.projects import make_project

from reprobuild.engines.engine import Container, Engine, Execution
from reprobuild.engines.sandbox import Sandbox
from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.tar import END, Entry, padding, render_header
from reprobuild.hardware.fingerprint import EngineFacts
from reprobuild.hardware.needs import Needs
from reprobuild.image.frame import compressor
from reprobuild.image.model import EPOCH, TRANSFORM_VERSION, Image, Layer
from reprobuild.image.oci import render_config, render_manifest
from reprobuild.lock.base import Base, PythonOf, Suite
from reprobuild.lock.data import digest_data
from reprobuild.lock.index import LockIndex
from reprobuild.numerics.document import Numerics
from reprobuild.record.document import Record
from reprobuild.steps.bundle import make_bundle
from reprobuild.steps.image.built import keep_image
from reprobuild.steps.image.prepare import prepare_run
from reprobuild.steps.probe.inquiry import Place, place_of
from reprobuild.steps.run.run import ask, run_training
from reprobuild.steps.world import World
from reprobuild.tools.process import run_process
from reprobuild.tools.progress import Progress, Silent
from reprobuild.tools.settings import Settings
from reprobuild.tools.store import Store

BASE = Base(
    name="test",
    distribution="debian",
    architecture="amd64",
    suites=(Suite(name="bookworm", keys=("0" * 40,)),),
    component="main",
    packages=(),
    python=PythonOf(package="python3", executable="/opt/bin/python", site="/opt/site", scripts="/opt/bin"),
    environment=ENVIRONMENT,
    links={},
    copies={},
    files={},
    explained={},
)
Training = Callable[[Path, Mapping[str, str]], int]


@dataclass
class ScriptedEngine:
    """An engine whose training is a function of the work folder and the environment; it compiles nothing."""

    training: Training
    seen: list[Container] = field(default_factory=list)

    def describe(self) -> EngineFacts:
        """See `Engine.describe`."""
        return EngineFacts(name="sandbox", version="scripted")

    def load(self, image: Image, store: Store, progress: Progress) -> str:
        """See `Engine.load`."""
        return Sandbox().load(image, store, progress)

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        """See `Engine.execute`."""
        assert (Path(place) / "opt").is_dir()
        if "compileall" in container.argv:
            return Execution("finished", 0, None, 0.0)
        self.seen.append(container)
        on_output(b"training\n")
        status = self.training(container.writable["/work"], container.environment)
        return Execution("finished", status, None, 1.0)


def open_test_world(store: Path, engine: Engine) -> World:
    """A world with its own store, in which nothing is fetched."""
    return World(Settings(store), Store(store), engine=engine)


def make_image(store: Store, folder: Path, files: Mapping[str, bytes] | None = None, *, times: int = 1) -> Image:
    """An image in the store: one layer, as often as it is wanted, of `builders.host`'s skeleton and these files."""
    root = make_root(folder)
    for name, data in (files or {}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    raw = io.BytesIO()
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            raw.write(render_header(Entry(name, "symlink", 0o777, link=str(path.readlink())), EPOCH))
        elif path.is_dir():
            raw.write(render_header(Entry(name, "dir", 0o755), EPOCH))
        else:
            data = path.read_bytes()
            raw.write(render_header(Entry(name, size=len(data)), EPOCH) + data + padding(len(data)))
    raw.write(END)
    packed = io.BytesIO()
    with compressor(packed) as target:
        target.write(raw.getvalue())
    layer = Layer(
        diff_id=sha256_bytes(raw.getvalue()),
        sha256=store.add_bytes(packed.getvalue()),
        size=len(packed.getvalue()),
        unpacked_size=len(raw.getvalue()),
        holds=("skeleton 1",),
    )
    layers = (layer,) * times
    config = render_config(BASE, layers)
    image_id = store.add_bytes(config)
    blobs = [(layer.sha256, layer.size)] * times
    manifest = store.add_bytes(render_manifest((image_id, len(config)), blobs, "zstd"))
    image = Image(image_id=image_id, manifest=manifest, layers=layers)
    keep_image(image, store)
    return image


class Notes(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        """See `Progress.note`."""
        self.lines.append(line)


def make_place(folder: Path, engine: Engine) -> Place:
    """An image that is ready to be asked of its arithmetic, with a store in `folder`."""
    world = open_test_world(folder / "store", engine)
    image = make_image(world.store, folder / "skeleton")
    return place_of(prepare_run(image, BASE, world, Silent(), once=True), world)


def make_test_bundle(
    folder: Path,
    engine: Engine,
    project: Mapping[str, Any] | None = None,
    *,
    files: dict[str, str | bytes] | None = None,
    variables: Mapping[str, str] | None = None,
    change: Callable[[Record], Record] = lambda record: record,
    locked: Base = BASE,
    needs: Needs | None = None,
    times: int = 1,
    transform: int = TRANSFORM_VERSION,
    numerics: Numerics | None = None,
) -> Path:
    """A bundle of a project's run, recorded in a store of its own.

    `change` may falsify its record, `locked` the base that its lock tells of, and `needs` what its image asks for;
    its layer is there so many `times`. `transform` is the version that its lock was made for.
    """
    made = make_project(folder / "project", files or {"train.py": "\n"}, **(project or {}))
    world = open_test_world(folder / "store", engine)
    made_image = make_image(world.store, folder / "skeleton", times=times)
    image = made_image.model_copy(update={"needs": needs or Needs()})
    data = {source.name: digest_data(source, made.root) for source in made.data}
    index = LockIndex(transform=transform, base=locked, python="3", artifacts=(), data=data, inputs={})
    made.lock_folder.mkdir()
    (made.lock_folder / "requirements.txt").write_text("")
    prepared = prepare_run(image, BASE, world, Silent())
    record, run = run_training(
        made,
        (index, index.to_bytes()),
        prepared,
        world.store,
        engine,
        run_process,
        asked=ask(made, None),
        variables=variables or {},
        on_output=lambda _: None,
        numerics=numerics,
    )
    assert record.good, (record.ending, (run / "log.txt").read_text())
    (run / "record.json").write_bytes(canonical_json(change(record).model_dump(mode="json")))
    bundle = folder / "bundle.tar"
    make_bundle(run, world.store, bundle)
    return bundle
