"""One image with PyTorch, NumPy, SciPy and scikit-learn, locked and built once in a test session.

Worker processes of pytest-xdist share it, and whoever leaves last removes it. `REPROBUILD_TEST_FRAMEWORKS` names a
folder made before (`project/` with its lock, and `store/`), which saves minutes while a test is written.
"""

import fcntl
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reprobuild.ground.tree import write_tree
from reprobuild.numerics.signatures import Signatures
from reprobuild.project.read import read_project
from reprobuild.record.document import Asked
from reprobuild.steps.image.prepare import Prepared, prepare_image, prepare_run
from reprobuild.steps.lock.lock import read_lock_of
from reprobuild.steps.replay.emulate import emulate
from reprobuild.steps.run.attempt import Request, attempted
from reprobuild.steps.world import World
from reprobuild.tools.progress import Silent
from reprobuild.tools.qemu import find_emulator
from reprobuild.tools.settings import Settings
from reprobuild.tools.store import Store, remove

REQUIREMENTS = "torch==2.13.0\nnumpy\nscipy\nscikit-learn\n"
READY = "REPROBUILD_TEST_FRAMEWORKS"
TOML = """\
[project]
name = "{name}"

[image]
base = "debian12-python311"

[python]
requirements = ["requirements.in"]

[run]
"""
SMALLEST: Mapping[str, Any] = {"command": ("python", "train.py"), "outputs": ("out",), "seed": 1}

VERDICTS = (0, 10, 11)
"""Exit statuses of a replay that came to a verdict."""
NOTHING: Mapping[str, Any] = {
    "command": ("python", "snippet.py"),
    "seed": 1,
    "timeout": 300.0,
    "gpu": False,
    "env": (),
    "hyperparameters": {},
    "params": {},
    "outputs": (),
    "metrics": None,
    "tolerances": {},
}
"""A request for a snippet that leaves nothing."""


@dataclass(frozen=True)
class Frameworks:
    """The image in a store, and a project whose lock every other project of these frameworks copies."""

    folder: Path

    @property
    def store(self) -> Path:
        """Where the image is."""
        return self.folder / "store"

    @cached_property
    def world(self) -> World:
        """The doors of a step on this store."""
        return World(Settings(store=self.store), Store(self.store))

    @cached_property
    def prepared(self) -> Prepared:
        """The image, ready to run."""
        index, _ = read_lock_of(read_project(self.folder / "project"))
        return prepare_run(prepare_image(index, self.world, Silent()), index.base, self.world, Silent())

    def training(self, folder: Path, files: Mapping[str, str | Path], **run: Any) -> "Training":
        """A project in the new `folder`; `run` are keys of `[run]`, and files are texts or files to copy."""
        shutil.copytree(self.folder / "project" / "lockfiles", folder / "lockfiles")
        (folder / "requirements.in").write_text(REQUIREMENTS)
        keys = "".join(f"{name} = {_toml(value)}\n" for name, value in {**SMALLEST, **run}.items())
        (folder / "reprobuild.toml").write_text(TOML.format(name=folder.name) + keys)
        for name, content in files.items():
            (folder / name).write_text(content if isinstance(content, str) else content.read_text())
        return Training(folder, self.store)

    def python(
        self, snippet: str, *, folder: Path, threads: int = 2, watched: bool = False, cpu: str = "", **asked: Any
    ) -> "Told":
        """What a snippet prints inside the image with the runtime at work; `asked` are fields of `Asked`.

        `folder` is a new one to work in; of a snippet that is `watched` the operations are told; `cpu` is emulated.
        """
        folder.mkdir()
        (folder / "snippet.py").write_text(snippet)
        with (folder / "source.tar").open("wb") as stream:
            write_tree(stream, [("snippet.py", folder / "snippet.py")], "source")
        question = Asked.model_validate({**NOTHING, "threads": threads, **asked})
        request = Request(question, folder / "source.tar", {}, {}, watched)
        heard: list[bytes] = []
        prepared = self.prepared
        if cpu:
            emulator = find_emulator(cpu, self.world.runner, platform.machine())
            prepared = emulate(prepared, emulator, self.world.engine)
        with attempted(request, prepared, self.world.engine, self.world.store, heard.append) as attempt:
            return Told(b"".join(heard).decode(), attempt.ending.status, dict(attempt.found), attempt.signatures)


@dataclass(frozen=True)
class Told:
    """What a snippet printed, how it ended, and what the runtime found."""

    output: str
    status: int | None
    found: dict[str, Any]
    signatures: Signatures | None


@dataclass(frozen=True)
class Training:
    """A project of these frameworks, whose commands are run as a user does."""

    project: Path
    store: Path

    def command(self, *words: str, cores: str | None = None, statuses: tuple[int, ...] = (0,)) -> str:
        """What `reprobuild` prints on standard output, on all cores or only on these (`0` or `0-3`)."""
        taskset = ["taskset", "--cpu-list", cores] if cores else []
        done = subprocess.run(
            [*taskset, sys.executable, "-m", "reprobuild", *words],
            cwd=self.project,
            env={**os.environ, "REPROBUILD_STORE": str(self.store)},
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )
        assert done.returncode in statuses, (words, done.returncode, done.stdout[-3000:], done.stderr[-3000:])
        return done.stdout

    def run(self, *words: str, cores: str | None = None) -> dict[str, Any]:
        """The record of a run, which leaves `bundle.tar` in the project."""
        return _json(self.command("run", "--json", *words, cores=cores))

    @property
    def record(self) -> dict[str, Any]:
        """The record of the first run."""
        return _json((self.project / ".reprobuild" / "runs" / "0001" / "record.json").read_text())

    def replay(self, *words: str, bundle: str = "bundle.tar", cores: str | None = None) -> dict[str, Any]:
        """The report of a replay, whatever its verdict."""
        return _json(self.command("replay", bundle, "--json", *words, cores=cores, statuses=VERDICTS))


@contextmanager
def shared_frameworks(session: Path) -> Iterator[Frameworks]:
    """The frameworks of a test session; `session` is the folder that all its processes share."""
    if ready := os.environ.get(READY):
        yield Frameworks(Path(ready))
        return
    folder = session / "frameworks"
    with (session / "frameworks.lock").open("w") as claim:
        share(claim.fileno(), folder)
        try:
            yield Frameworks(folder)
        finally:
            if _alone(claim.fileno()):
                remove(folder)  # gigabytes, and pytest keeps the folders of three sessions


def share(descriptor: int, folder: Path) -> None:
    """Return with a shared claim on what is ready; one process makes it while the others wait."""
    while True:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if (folder / "ready").exists():
            return
        # Nobody gets an exclusive claim for as long as others use theirs, so nobody may wait for one.
        if _alone(descriptor) and not (folder / "ready").exists():
            _make(folder)
        elif not (folder / "ready").exists():
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            time.sleep(random.uniform(0.01, 0.1))


def _make(folder: Path) -> None:
    project = folder / "project"
    project.mkdir(parents=True, exist_ok=True)
    (project / "requirements.in").write_text(REQUIREMENTS)
    (project / "reprobuild.toml").write_text(TOML.format(name="frameworks") + 'command = ["python", "train.py"]\n')
    training = Training(project, folder / "store")
    training.command("lock")
    training.command("image")  # in a process of its own, which ends with its connections
    assert Frameworks(folder).prepared.bytecode
    (folder / "ready").touch()


def _alone(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def _toml(value: object) -> str:
    """A value as TOML spells it; JSON spells these the same."""
    return json.dumps(value)
