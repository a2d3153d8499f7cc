"""From a lock or an image in the store to one that can run: downloads, layers, the engine, bytecode."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from pydantic import JsonValue

from reprobuild.engines.engine import Container, Emulation, Engine
from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes, sha256_file
from reprobuild.ground.errors import ToolError
from reprobuild.image.model import Image
from reprobuild.lock.base import Base
from reprobuild.lock.conda.target import has_conda_python
from reprobuild.lock.index import LockIndex
from reprobuild.steps.image.built import find_build
from reprobuild.steps.world import World
from reprobuild.tools.progress import Progress

BYTECODE = "/run/reprobuild/bytecode"
"""Where an engine mounts the compiled modules (`PYTHONPYCACHEPREFIX`)."""
LIBRARY = "/run/reprobuild/lib"
"""Where it mounts `runtime/`."""
RUNTIME = Path(str(files("reprobuild") / "runtime"))
VISIBLE = "NVIDIA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Prepared:
    """An image that can run: its place in the engine that loaded it, and the folder of its bytecode if it has one."""

    image: Image
    base: Base
    place: str
    bytecode: Path | None
    runtime: Path | None = None
    """Likewise of what is at work inside a run."""
    emulation: Emulation | None = None
    """On another CPU than this machine's; None for its own."""
    claim: Mapping[str, JsonValue] = field(default_factory=dict)
    """What CPUID tells the image's Python under that emulation."""

    @property
    def modules(self) -> dict[str, Path]:
        """What is mounted for Python's imports: the runtime, and compiled modules one folder of the image each."""
        folders = sorted(self.bytecode.iterdir()) if self.bytecode else []
        compiled = {f"{BYTECODE}/{folder.name}": folder for folder in folders}
        if self.runtime and (runtime := self.runtime / LIBRARY[1:]).is_dir():
            compiled[f"{BYTECODE}{LIBRARY}"] = runtime
        return {LIBRARY: RUNTIME, **compiled}


def prepare_image(index: LockIndex, world: World, progress: Progress) -> Image:
    """The image of a lock, downloading what the store lacks."""
    if found := find_build(index, world.store):
        return found
    missing = [artifact for artifact in index.artifacts if not world.store.has(artifact.sha256)]
    if missing:
        from reprobuild.steps.image.downloads import download_all

        download_all(missing, index.base, world, progress)
    from reprobuild.steps.image.image import build_image

    return build_image(index, world.store, progress)


def prepare_run(image: Image, base: Base, world: World, progress: Progress, *, once: bool = False) -> Prepared:
    """The image in the engine, and its modules compiled by its own Python; both made once per machine.

    For an image that is to run `once` nothing is compiled, which takes longer than it saves.
    """
    place = world.engine.load(image, world.store, progress)
    bytecode = world.store.path("bytecode", image.image_id)
    if once and not bytecode.is_dir():
        return Prepared(image, base, place, None)
    progress.begin("compiling Python modules", 0)
    folders = [str(Path(base.python.site).parent)]
    if not has_conda_python(base.python):  # else all that it imports is in its own folder
        folders += ["/usr/lib/python3", f"/usr/lib/{base.python.package}"]

    def compile_to(target: Path, *words: str) -> None:
        _compile(place, base, world.engine, target, words)

    world.store.made_once("bytecode", image.image_id, lambda path: compile_to(path, "-j", "0", *folders))
    # Its files' times are those of an installation, and of two versions they may be the same.
    own = ("--invalidation-mode", "unchecked-hash", LIBRARY)
    key = f"{image.image_id}-{_digest(RUNTIME)}"
    runtime = world.store.made_once("runtime", key, lambda path: compile_to(path, *own))
    return Prepared(image, base, place, bytecode, runtime)


def _digest(folder: Path) -> str:
    """Of the modules in a folder."""
    modules = sorted(folder.rglob("*.py"))
    return sha256_bytes(canonical_json([(str(path.relative_to(folder)), sha256_file(path)) for path in modules]))


def _compile(place: str, base: Base, engine: Engine, target: Path, words: Sequence[str]) -> None:
    """Compile with the image's Python: bytecode differs between patch releases, so no other Python will do."""
    target.mkdir()
    output: list[bytes] = []
    container = Container(
        # Two compilers a core would only wait; some packages ship files of Python 2, which compileall reports with 1.
        # A folder that the image lacks is passed over in silence.
        # Not isolated (-I), which would leave out the variable that says where bytecode goes.
        argv=[base.python.executable, "-s", "-m", "compileall", "-q", "-q", *words],
        environment={**image_environment(base, gpu=False), "PYTHONPYCACHEPREFIX": BYTECODE},
        folder="/",
        read_only={LIBRARY: RUNTIME},
        writable={BYTECODE: target},
        timeout=3600,
    )
    done = engine.execute(place, container, output.append)
    if done.reason == "interrupted":
        raise KeyboardInterrupt
    if done.status not in (0, 1):
        raise ToolError(f"compileall: ended with {done.status or done.signal}: {b''.join(output)[-200:]!r}")


def image_environment(base: Base, *, gpu: bool) -> dict[str, str]:
    """The image's own variables; without `gpu` they ask NVIDIA's container toolkit for none.

    An image with CUDA asks for all, and an engine whose default runtime is NVIDIA's hears it in every container:
    https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html. An old one asks by
    its version alone (`IsLegacy` in internal/config/image/cuda_image.go of NVIDIA/nvidia-container-toolkit).
    """
    asks = not gpu and not base.environment.keys().isdisjoint((VISIBLE, "CUDA_VERSION"))
    return {**base.environment, **({VISIBLE: "void"} if asks else {})}
