"""`reprobuild image` on a project of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from reprobuild.image.model import MEDIA_TYPES, Image
from reprobuild.image.unpack import unpack_layers
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base
from reprobuild.lock.index import LockIndex
from reprobuild.steps.image.built import find_build
from reprobuild.tools.store import Store

TOML = """\
[project]
name = "benchmark"
[image]
base = "debian12-python311"
[python]
requirements = ["requirements.in"]
resolver = "uv"
[run]
command = ["python"]
"""


class Ours:
    """A project, and two stores: one keeps the downloads, the other is made anew for every cold build."""

    def __init__(self, folder: Path, requirements: str) -> None:
        self.project, self._warm, self._store = folder / "project", Store(folder / "warm"), Store(folder / "store")
        self.project.mkdir(parents=True)
        (self.project / "reprobuild.toml").write_text(TOML)
        (self.project / "requirements.in").write_text(requirements)

    def prepare(self) -> list[tuple[str, Path]]:
        """Lock and download; the wheels by file name."""
        self._run("lock", store=self._warm)
        self._run("image", store=self._warm)
        return [(item.filename, self._warm.blob(item.sha256)) for item in self._artifacts if item.kind == "wheel"]

    @property
    def wheels(self) -> list[tuple[Artifact, Path]]:
        """The locked wheels and their files."""
        return [(item, self._warm.blob(item.sha256)) for item in self._artifacts if item.kind == "wheel"]

    @property
    def base(self) -> Base:
        """What they are installed on."""
        return self._lock.base

    def forget(self) -> None:
        """Leave the downloads alone in the store."""
        shutil.rmtree(self._store.root, ignore_errors=True)
        for item in self._artifacts:
            target = self._store.blob(item.sha256)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(self._warm.blob(item.sha256), target)

    def build(self) -> None:
        """Build, or find what is built."""
        self._run("image", store=self._store)

    @property
    def requirements(self) -> str:
        """The pinned requirements with their hashes."""
        return (self.project / "lockfiles" / "requirements.txt").read_text()

    def unpack(self, folder: Path) -> None:
        """The image's files in the new `folder`."""
        image = self._image
        unpack_layers(image.layers, MEDIA_TYPES["zstd"], self._warm.blob, folder)

    @property
    def _image(self) -> Image:
        found = find_build(self._lock, self._warm)
        assert found, "prepare() has built it"
        return found

    @property
    def _lock(self) -> LockIndex:
        return LockIndex.from_bytes((self.project / "lockfiles" / "reprobuild.lock").read_bytes(), "lock")

    @property
    def _artifacts(self) -> tuple[Artifact, ...]:
        return self._lock.artifacts

    def _run(self, *words: str, store: Store) -> None:
        environment = {**os.environ, "REPROBUILD_STORE": str(store.root)}
        argv = [sys.executable, "-m", "reprobuild", "--project", str(self.project), *words]
        subprocess.run(argv, env=environment, check=True, stdout=subprocess.DEVNULL)
