"""`docker build` with pip, at its best: BuildKit, overlay2, wheels that lie beside it, no index and no resolution."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ours import Ours

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from builders.dockerd import Docker, running_dockerd

DOCKERFILE = """\
FROM base
RUN --mount=type=bind,target=/build python3 -m pip install --no-index --find-links /build/wheels --no-deps \\
    --require-hashes --no-cache-dir --disable-pip-version-check --root-user-action ignore --break-system-packages \\
    --requirement /build/requirements.txt
"""


class Theirs:
    """A build context and the daemon that builds it."""

    def __init__(self, folder: Path, docker: Docker) -> None:
        self._context, self.docker = folder / "context", docker
        (self._context / "wheels").mkdir(parents=True)
        (self._context / "Dockerfile").write_text(DOCKERFILE)

    def add_wheels(self, requirements: str, wheels: list[tuple[str, Path]]) -> None:
        """What pip installs."""
        (self._context / "requirements.txt").write_text(requirements)
        for name, path in wheels:
            shutil.copyfile(path, self._context / "wheels" / name)

    def build_cold(self) -> None:
        """Build without any layer of before."""
        self._build("--no-cache")

    def build(self) -> None:
        """Build again what is built."""
        self._build()

    def describe(self) -> str:
        """Versions and storage."""
        shown = self.docker.run("info", "--format", "{{.ServerVersion}} {{.Driver}}").split()
        return f"Docker {shown[0]} with BuildKit on {shown[1]}"

    def _build(self, *words: str) -> None:
        argv = self.docker.argv("build", "--network", "none", "--tag", "built", *words, str(self._context))
        environment = {**self.docker.environment, "DOCKER_BUILDKIT": "1"}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"docker build: {done.stderr[-2000:]}")


@contextmanager
def running_theirs(folder: Path, base: Ours) -> Iterator[Theirs]:
    """A daemon on a private socket that knows the image `base`: the same Debian packages as ours, and pip."""
    base.prepare()
    root = folder / "root"
    folder.mkdir(parents=True)
    base.unpack(root)
    with running_dockerd(folder / "docker", storage="overlay2") as docker:
        # Debian's own client: a newer one that stands first on PATH may lack its BuildKit plugin.
        own = Docker(docker.socket, {**docker.environment, "PATH": f"/usr/bin:{os.environ['PATH']}"})
        with subprocess.Popen(["tar", "--create", "--directory", str(root), "."], stdout=subprocess.PIPE) as packed:
            subprocess.run(
                own.argv("import", "-", "base"),
                env=own.environment,
                stdin=packed.stdout,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        yield Theirs(folder, own)
