"""`reprobuild replay --engine docker` on a machine that has nothing, beside `docker load` and `docker run`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from builders.dockerd import Docker

from reprobuild.bundle.read import read_front

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits"
FILES = ("reprobuild.toml", "requirements.in", "params.yaml", "train.py", "data/digits.csv")


class Replay:
    """examples/digits as a bundle and, of the same image, as an archive that `docker save` wrote."""

    def __init__(self, folder: Path, docker: Docker) -> None:
        self._project, self._warm, self._store = folder / "project", folder / "warm", folder / "store"
        self._saved, self._docker, self._image = folder / "saved.tar", docker, ""

    def prepare(self) -> None:
        """Lock, train, bundle and save."""
        for name in FILES:
            target = self._project / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(EXAMPLE / name, target)
        for words in (["lock"], ["run"], ["image", "--load", "docker"]):
            self._run(*words, store=self._warm)
        self._image = f"sha256:{read_front(self._bundle, 'bundle').image.image_id}"
        (self._project / "parameters.json").write_text('{"epochs": 12, "learning_rate": 0.01}')
        (self._project / "out").mkdir(exist_ok=True)
        self._docker.run("save", "--output", str(self._saved), self._image)

    def forget(self) -> None:
        """A machine that has neither the image nor a store."""
        self._docker.run("image", "rm", "--force", self._image)
        shutil.rmtree(self._store, ignore_errors=True)

    def ours(self) -> None:
        """Verify the bundle, load, train and compare."""
        words = ("replay", str(self._bundle), "--engine", "docker", "--require", "identical")
        self._run(*words, store=self._store)

    def theirs(self) -> None:
        """Load and train, with as many threads."""
        self._docker.run("load", "--input", str(self._saved))
        options = ["--rm", "--network", "none", "--volume", f"{self._project}:/work", "--workdir", "/work"]
        for variable in ("OMP_NUM_THREADS=2", "OPENBLAS_NUM_THREADS=2", "REPROBUILD_PARAMS=/work/parameters.json"):
            options += ["--env", variable]
        self._docker.run("run", *options, self._image, "python", "train.py", "--epochs", "12")

    @property
    def _bundle(self) -> Path:
        return self._project / "bundle.tar"

    def _run(self, *words: str, store: Path) -> None:
        environment = {
            **os.environ,
            "REPROBUILD_STORE": str(store),
            "DOCKER_HOST": f"unix://{self._docker.socket}",
        }
        argv = [sys.executable, "-m", "reprobuild", "--project", str(self._project), *words]
        subprocess.run(argv, env=environment, check=True, capture_output=True)
