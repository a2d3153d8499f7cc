"""A project with a conda environment: a real channel on loopback, the real conda-lock, image, run and replay."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders.conda import c_library, noarch_package, program_with_prefix, python_package, serve_channel
from builders.wheels import make_wheel, wheel_name

from reprobuild.lock.index import LockIndex

pytestmark = [pytest.mark.network, pytest.mark.sandbox, pytest.mark.slow]
PAGE = Path(__file__).parents[2] / "docs" / "conda.md"
PYTHON = ("libpython3.11-minimal", "libpython3.11-stdlib", "python3.11-minimal")
BASE = """\
[project]
name = "conda"
[image]
base = "debian12-python311"
[run]
command = ["python", "train.py"]
outputs = ["out.json"]
"""
CONDA = """\
[conda]
environment = "environment.yml"
[python]
requirements = ["requirements.in"]
"""
ENVIRONMENT = """\
channels: [tests]
dependencies:
  - python=3.11
  - where
  - greeting>=3
"""
TRAIN = """\
import ctypes, json, os, shutil, subprocess, sys, sysconfig
import beside, greeting

def said(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

library = os.path.join(os.environ["CONDA_PREFIX"], "lib", "libanswer.so.1")
told = {
    "answer": ctypes.CDLL(library).answer(),
    "beside": os.path.realpath(beside.__file__),
    "greet": [said("greet"), said("greet-script")],
    "greeting": os.path.realpath(greeting.__file__),
    "prefix": sys.prefix,
    "python": [shutil.which("python"), shutil.which("python3"), said("python3", "-c", "import sys; print(sys.prefix)")],
    "version": sys.version_info[:3],
    "where": [said("where"), said("where-script"), open(os.path.join(sys.prefix, "share/where")).read()],
}
with open("out.json", "w") as stream:
    json.dump(told, stream, indent=1, sort_keys=True)
"""


@dataclass
class Conda:
    """A project with a store and a channel, all in one folder."""

    project: Path
    environment: dict[str, str]

    def run(self, *words: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
        """`reprobuild` in the project, which ends with `status`."""
        done = subprocess.run(
            [sys.executable, "-m", "reprobuild", *words],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == status, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done

    def follow(self, page: Path) -> None:
        """Every command that a page shows, in order."""
        shown = [line.removeprefix("$ ").split() for line in page.read_text().splitlines() if line.startswith("$ ")]
        assert len(shown) >= 5
        path = {**self.environment, "PATH": f"{Path(sys.executable).parent}:{self.environment['PATH']}"}
        for name, *words in shown:
            if name == "reprobuild":
                self.run(*words)
            else:
                subprocess.run([name, *words], cwd=self.project, env=path, check=True, capture_output=True)

    def write(self, **texts: str) -> None:
        """Files of the project, with `_` for the dot of their names."""
        for name, text in texts.items():
            (self.project / name.replace("_", ".")).write_text(text)

    @property
    def lock(self) -> LockIndex:
        """The lock that was made."""
        return LockIndex.from_bytes((self.project / "lockfiles/reprobuild.lock").read_bytes(), "lock")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conda]:
    """A channel with Debian's own CPython in it; the project locked, built and run by the commands of the page."""
    folder = tmp_path_factory.mktemp("conda")
    store, wheels = folder / "store", folder / "wheels"
    wheels.mkdir()
    (wheels / wheel_name("beside", "1.0")).write_bytes(make_wheel("beside", "1.0"))
    (folder / "project").mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("REPROBUILD_", "CONDA"))}
    environment |= {"REPROBUILD_STORE": str(store), "PIP_FIND_LINKS": str(wheels), "TMPDIR": str(folder)}
    conda = Conda(folder / "project", environment)
    conda.write(reprobuild_toml=BASE, train_py=TRAIN, requirements_in="beside\n", environment_yml=ENVIRONMENT)
    (conda.project / "lockfiles").mkdir()
    stale = conda.project / "lockfiles" / "conda-lock.yml"
    stale.write_text("of an environment that the project has no more\n")
    conda.run("lock")
    conda.run("image")
    assert not stale.exists()
    debs = {deb.name: store / "blobs/sha256" / deb.sha256 for deb in conda.lock.artifacts if deb.name in PYTHON}
    packages = [c_library(folder / "c"), program_with_prefix(folder / "p"), noarch_package()]
    packages.append(python_package(debs, folder / "python"))
    with serve_channel(folder / "channel", packages) as mirror:
        environment["REPROBUILD_CONDA_TESTS"] = f"{mirror.url}/tests"
        conda.write(reprobuild_toml=BASE + CONDA)
        conda.follow(PAGE)
        yield conda


def test_the_lock_names_packages_of_a_channel_and_no_place(made: Conda) -> None:
    packages = {item.name: item for item in made.lock.artifacts if item.kind == "conda"}
    text = (made.project / "lockfiles" / "conda-lock.yml").read_text()

    assert packages.keys() == {"python", "where", "greeting", "libanswer"}
    assert packages["greeting"].path == "noarch/greeting-3.0-0.conda"
    assert {item.source for item in packages.values()} == {"tests"}
    assert made.lock.python == "3.11.2"
    assert made.lock.base.python.executable == "/opt/conda/bin/python3.11"
    assert made.lock.base.environment["PATH"].startswith("/opt/conda/bin:")
    assert "127.0.0.1" not in text
    assert all(item.sha256 in text for item in packages.values())
    assert made.run("lock", "--check").stdout == "lockfiles/reprobuild.lock is up to date\n"


def test_python_libraries_programs_and_wheels_of_the_image_work_together(made: Conda) -> None:
    told = json.loads((made.project / "out.json").read_text())

    assert told == {
        "answer": 42,
        "beside": "/opt/conda/lib/python3.11/site-packages/beside.py",
        "greet": ["hello from greeting", "script"],
        "greeting": "/opt/conda/lib/python3.11/site-packages/greeting/__init__.py",
        "prefix": "/opt/conda",
        "python": ["/opt/conda/bin/python", "/opt/conda/bin/python3", "/opt/conda"],
        "version": [3, 11, 2],
        "where": ["/opt/conda/share/where", "/opt/conda", "prefix=/opt/conda\n"],
    }


def test_a_change_of_the_environment_is_named(made: Conda) -> None:
    lock = made.project / "lockfiles" / "conda-lock.yml"
    written = lock.read_text()
    made.write(environment_yml=f"# a comment changes nothing\n{ENVIRONMENT}")
    try:
        assert made.run("lock", "--check").stdout == "lockfiles/reprobuild.lock is up to date\n"
        made.write(environment_yml=ENVIRONMENT + "  - libanswer\n")
        assert made.run("lock", "--check", status=10).stdout == "changed: environment.yml\n"
        made.write(environment_yml=ENVIRONMENT)
        lock.write_text(written + "# touched\n")
        assert made.run("lock", "--check", status=10).stdout == "changed: lockfiles/conda-lock.yml\n"
    finally:
        made.write(environment_yml=ENVIRONMENT)
        lock.write_text(written)


def test_scripts_that_conda_would_run_are_told(made: Conda) -> None:
    said = made.run("image").stderr

    assert "note: conda where: its post-link would have done more: register-where $PREFIX" in said


def test_conda_itself_would_know_the_environment_of_the_image(made: Conda) -> None:
    from rattler import PrefixRecord

    image = made.run("image").stdout.strip().removeprefix("sha256:")
    root = Path(made.environment["REPROBUILD_STORE"]) / "roots" / image / "opt/conda"
    records = [PrefixRecord.from_path(path) for path in sorted((root / "conda-meta").glob("*.json"))]

    assert [record.name.normalized for record in records] == ["greeting", "libanswer", "python", "where"]
    assert all((root / file).exists() or (root / file).is_symlink() for record in records for file in record.files)
    assert (root / "conda-meta" / "history").is_file()


def test_the_bundle_carries_the_lock_of_conda_lock_and_gives_the_same_result(made: Conda, tmp_path: Path) -> None:
    shown = made.run("inspect", "bundle.tar").stdout
    offline = {name: value for name, value in made.environment.items() if name != "REPROBUILD_CONDA_TESTS"}
    elsewhere = Conda(made.project, {**offline, "REPROBUILD_STORE": str(tmp_path / "store")})
    done = elsewhere.run("replay", "bundle.tar", "--require", "identical", "--json")

    assert "4 conda packages" in shown
    assert "conda-lock.yml: " in shown
    assert json.loads(done.stdout)["verdict"] == "identical"


def test_two_packages_that_own_one_path_are_both_named(made: Conda, tmp_path: Path) -> None:
    """The wheel and the conda package of one project, as an unlucky pair of files asks for."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / wheel_name("greeting", "3.1")).write_bytes(make_wheel("greeting", "3.1", {"greeting/__init__.py": ""}))
    project = tmp_path / "project"
    project.mkdir()
    clash = Conda(project, {**made.environment, "PIP_FIND_LINKS": str(wheels)})
    clash.write(reprobuild_toml=BASE + CONDA, train_py="", requirements_in="greeting\n", environment_yml=ENVIRONMENT)
    clash.run("lock")
    error, hint = clash.run("image", status=3).stderr.splitlines()[-2:]

    assert error == (
        "error: /opt/conda/lib/python3.11/site-packages/greeting/__init__.py: it belongs to two packages: "
        "greeting 3.0 (conda) and greeting 3.1 (wheel)"
    )
    assert hint.startswith("hint: leave one of them out")
