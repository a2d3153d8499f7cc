"""A question to an image's arithmetic: a module of the runtime, run as a training would run there, once for a machine.

What it answers is kept in the store as it came, and read as strictly from there as from the image.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import JsonValue

from reprobuild.engines.engine import Container, Engine, Execution
from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError, ToolError
from reprobuild.ground.text import shown
from reprobuild.ground.tree import open_regular
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.numerics.profiles import inside
from reprobuild.record.document import Asked
from reprobuild.steps.image.prepare import Prepared
from reprobuild.steps.run.attempt import FOUND, NUMERICS, Request, run_environment
from reprobuild.steps.world import World
from reprobuild.tools.machine import collect_machine
from reprobuild.tools.store import Store

NUMERIC = (
    "OMP_",
    "MKL_",
    "OPENBLAS_",
    "ATEN_",
    "ONEDNN_",
    "DNNL_",
    "NPY_",
    "TORCH_",
    "CUBLAS_",
    "CUDA_",
    "NVIDIA_",
    "GLIBC_",
)
"""How the variables begin that pass to a question, where a run lets them pass: they choose arithmetic."""
NOT_TOLD = ("REPROBUILD_FOUND", "REPROBUILD_PARAMS")
"""A question is no training: its processes tell nothing of themselves."""
RUNTIME = Path(str(files("reprobuild") / "runtime"))
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Place:
    """Where it is asked: an image in an engine, on this machine."""

    prepared: Prepared
    engine: Engine
    machine: Fingerprint
    store: Store


def place_of(prepared: Prepared, world: World) -> Place:
    """The place of an image that is ready to run, on this machine."""
    return Place(prepared, world.engine, collect_machine(world.store.root, world.runner), world.store)


@dataclass(frozen=True)
class Inquiry(Generic[Answer]):
    """`module` gets `words` and then where its answer goes, the file `reply` in `FOUND`; `patience` is in seconds."""

    module: str
    words: tuple[str, ...]
    reply: str
    subject: str
    """What the answer is called in an error."""
    kind: str
    """The answers' folder in the store."""
    patience: float
    parse: Callable[[bytes], Answer]
    """InputError for what is no answer; of one that is too large it gets a byte more than `max_size`."""
    max_size: int
    asked: Mapping[str, bytes] = field(default_factory=dict)
    """Files that the module reads, by their paths in the container."""
    lasting: Callable[[Answer], bool] = lambda _: True
    """True of an answer that would be the same another time; no other is kept."""

    def answer(self, place: Place, asked: Asked, variables: Mapping[str, str]) -> Answer:
        """What the image answers under a run's profile, threads and variables, now or when it was asked before.

        ToolError or InputError when it gave no answer, which is not kept.
        """
        container = self._container(place, asked, variables)
        questions: dict[str, JsonValue] = {path: data.decode() for path, data in self.asked.items()}
        key = sha256_bytes(canonical_json([_identity(place, asked, container), questions]))
        path = place.store.path(self.kind, key)
        if path.is_file():
            try:
                return self.parse(path.read_bytes())
            except InputError:  # of an older reprobuild
                path.unlink(missing_ok=True)
        data = self._execute(place, asked, container)
        answer = self.parse(data)
        if self.lasting(answer):
            place.store.replace(self.kind, key, data)
        return answer

    def _container(self, place: Place, asked: Asked, variables: Mapping[str, str]) -> Container:
        """What a run would see, less its source, its data and its seed."""
        prepared = place.prepared
        names = tuple(name for name in asked.env if name.startswith(NUMERIC))
        request = Request(asked.model_copy(update={"seed": 0, "env": names}), Path(), {}, variables)
        given = run_environment(request, prepared.base)
        return Container(
            argv=[prepared.base.python.executable, "-m", self.module, *self.words, f"{FOUND}/{self.reply}"],
            environment={name: value for name, value in given.items() if name not in NOT_TOLD},
            folder="/",
            read_only=prepared.modules,
            timeout=self.patience,
            gpu=asked.gpu,
            emulation=prepared.emulation,
        )

    def _execute(self, place: Place, asked: Asked, container: Container) -> bytes:
        words: list[bytes] = []
        with place.store.temporary() as folder:
            folder.mkdir()
            told = folder / "told"
            told.mkdir()
            bound = dict(container.read_only)
            questions = {NUMERICS: inside(asked.numerics, asked.threads), **self.asked}
            for number, (path, data) in enumerate(questions.items()):
                bound[path] = folder / str(number)
                bound[path].write_bytes(data)
            container = replace(container, read_only=bound, writable={FOUND: told})
            _check(place.engine.execute(place.prepared.place, container, words.append), container, words)
            with open_regular(told / self.reply, self.subject) as stream:
                return stream.read(self.max_size + 1)


def _check(done: Execution, container: Container, words: list[bytes]) -> None:
    if done.reason == "interrupted":
        raise KeyboardInterrupt
    if done.reason == "deadline":
        raise ToolError(f"it took longer than {container.timeout:g} s")
    if done.status != 0:
        raise ToolError(f"it ended with {done.signal or done.status}{last_words(b''.join(words))}")


def _identity(place: Place, asked: Asked, container: Container) -> dict[str, JsonValue]:
    """Everything that can change what is computed; which engine runs it cannot."""
    machine, emulation = place.machine, place.prepared.emulation
    gpus: list[JsonValue] = [gpu.model_dump(mode="json", exclude={"state"}) for gpu in machine.gpus]
    return {
        "image": place.prepared.image.image_id,
        "runtime": digest_runtime(RUNTIME),
        "pins": inside(asked.numerics, asked.threads).decode(),
        "environment": dict(container.environment),
        "cpu": machine.cpu.model_dump(mode="json", exclude={"name"}),
        "emulation": [emulation.cpu, emulation.version] if emulation else [],
        "gpu": [machine.driver, *gpus] if asked.gpu else [],
    }


def digest_runtime(folder: Path) -> str:
    """One digest of all files of the runtime: what is asked, and the pins that it runs under."""
    digests = {path.relative_to(folder).as_posix(): sha256_bytes(path.read_bytes()) for path in folder.rglob("*.py")}
    return sha256_bytes(canonical_json(digests))


def last_words(output: bytes) -> str:
    """The last line that a process printed, as the end of a sentence."""
    lines = output.decode(errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f": {shown(last.strip())}" if last else ""
