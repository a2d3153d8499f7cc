"""NVIDIA's wheels as a toolkit that the linker finds: small ones on loopback, and the real runtime."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from builders.compiled import build_library, build_program, c_library
from builders.debian_archive import File, make_deb
from builders.images import deb_artifact, image_base, image_lock
from builders.index import Index, pip_environment, serving
from builders.nvidia import blas_files, blas_name, cuda_of, offer, runtime_files, runtime_name
from builders.wheels import make_wheel, wheel_name

from reprobuild.engines.engine import Container
from reprobuild.engines.sandbox import Sandbox
from reprobuild.ground.errors import InputError
from reprobuild.lock.base import Base, CudaOf
from reprobuild.lock.bases import read_base
from reprobuild.lock.cuda import settle_base
from reprobuild.lock.index import LockIndex
from reprobuild.lock.python.requirements import parse_pins
from reprobuild.lock.python.target import Target
from reprobuild.steps.image.image import build_image
from reprobuild.steps.lock.python import Outside, PythonLock, lock_python
from reprobuild.tools.fetch import HttpFetcher
from reprobuild.tools.pip import read_pip_sources
from reprobuild.tools.process import run_process
from reprobuild.tools.progress import Silent
from reprobuild.tools.resolvers import compile_with_uv
from reprobuild.tools.store import Store

pytestmark = pytest.mark.slow
HERE = ".".join(map(str, sys.version_info[:3]))
PROBE = """
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
    void *blas = dlopen(argv[1], RTLD_NOW);
    int (*ask)(void) = blas ? (int (*)(void))dlsym(blas, "blasVersion") : 0;
    if (!ask) return puts(dlerror()), 1;
    return printf("%d\\n", ask()), 0;
}
"""
TOML = """
[project]
name = "version"
[image]
base = "base.toml"
[run]
command = ["python", "train.py"]
outputs = ["found.json"]
"""
TRAIN = """
import ctypes, json, os
found = ctypes.c_int()
status = ctypes.CDLL("libcudart.so.{major}").cudaRuntimeGetVersion(ctypes.byref(found))
header = os.path.exists("/usr/local/cuda/include/cuda_runtime.h")
with open("found.json", "w") as target:
    json.dump([status, found.value, header, "LD_LIBRARY_PATH" in os.environ, os.environ["CUDA_VERSION"]], target)
"""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index on loopback with NVIDIA's wheels of two releases of CUDA 12 and one of 13; it is all that pip knows."""
    with serving(Index()) as served:
        environment = pip_environment(tmp_path / "home", os.environ, INDEX_URL=served.url, TIMEOUT="5")
        environment |= {"UV_CACHE_DIR": str(tmp_path / "uv"), "UV_HTTP_RETRIES": "0"}
        for name in os.environ.keys() - environment.keys():
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        for major, release, blas in (
            (12, "12.8.90", "12.8.4.1"),
            (12, "12.9.79", "12.9.1.4"),
            (13, "13.0.96", "13.1.0.3"),
        ):
            offer(served, runtime_name(major), release, runtime_files(major))
            offer(served, blas_name(major), blas, blas_files(major))
        yield served


def lock(tmp_path: Path, requirements: str, base: Base, resolver: str = "pip-tools") -> PythonLock:
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    (project / "requirements.in").write_text(requirements)
    sources = read_pip_sources(run_process)
    with closing(HttpFetcher(timeout=sources.timeout)) as fetch:
        outside = Outside(fetch, run_process, Store(tmp_path / "store"), sources)
        files = ["requirements.in"] if requirements else []
        return lock_python(project, files, resolver, Target(HERE, (2, 36)), outside, Silent(), base)


def versions(made: PythonLock) -> Mapping[str, str]:
    return {artifact.name: artifact.version for artifact in made.artifacts}


def torch(index: Index) -> None:
    """A project's wheel that pins CUDA libraries of its own."""
    needs = [f"{runtime_name(12)}==12.8.90", f"{blas_name(12)}==12.8.4.1"]
    index.add(wheel_name("torch", "2.0"), make_wheel("torch", "2.0", requires_dist=needs))


@pytest.mark.parametrize("resolver", ["pip-tools", "uv"])
def test_a_project_that_pins_cuda_libraries_gets_them_once_and_is_told_the_bytes(
    index: Index, tmp_path: Path, resolver: str
) -> None:
    torch(index)

    made = lock(tmp_path, "torch\n", image_base(cuda=cuda_of(12)), resolver)

    assert versions(made) == {"nvidia-cublas-cu12": "12.8.4.1", "nvidia-cuda-runtime-cu12": "12.8.90", "torch": "2.0"}
    saved = sum(artifact.size for artifact in made.artifacts if artifact.name.startswith("nvidia-"))
    assert made.notes == (
        f"the base and the project's wheels bring the same CUDA libraries: kept once, {saved:,} bytes saved",
    )
    assert ".base" not in made.requirements


@pytest.mark.parametrize("resolver", ["pip-tools", "uv"])
def test_nvidias_list_of_a_release_is_one_pin_for_the_base_and_the_project(
    index: Index, tmp_path: Path, resolver: str
) -> None:
    for release, runtime, blas in (("12.8.1", "12.8.90", "12.8.4.1"), ("12.9.1", "12.9.79", "12.9.1.4")):
        needs = [f"{runtime_name(12)}=={runtime}.*; extra == 'cudart'", f"{blas_name(12)}=={blas}.*; extra == 'cublas'"]
        wheel = make_wheel("cuda-toolkit", release, {}, needs, extras=["cudart", "cublas"])
        index.add(wheel_name("cuda-toolkit", release), wheel)
    index.add(wheel_name("torch", "2.0"), make_wheel("torch", "2.0", requires_dist=["cuda-toolkit[cublas]==12.8.1"]))
    base = image_base(cuda=CudaOf(major=12, requirements=("cuda-toolkit[cudart]>=12,<13",)))

    made = lock(tmp_path, "torch\n", base, resolver)

    assert versions(made) == {
        "cuda-toolkit": "12.8.1",
        "nvidia-cublas-cu12": "12.8.4.1",
        "nvidia-cuda-runtime-cu12": "12.8.90",
        "torch": "2.0",
    }


def test_a_project_without_cuda_libraries_gets_the_newest_release_of_the_base(index: Index, tmp_path: Path) -> None:
    index.add(wheel_name("alpha", "1.0"), make_wheel("alpha", "1.0"))

    made = lock(tmp_path, "alpha\n", image_base(cuda=cuda_of(12)))

    assert versions(made)["nvidia-cuda-runtime-cu12"] == "12.9.79"
    assert made.notes == ()


def test_a_project_without_requirements_gets_what_the_base_brings(index: Index, tmp_path: Path) -> None:
    made = lock(tmp_path, "", image_base(cuda=cuda_of(13)))

    assert versions(made) == {"nvidia-cublas": "13.1.0.3", "nvidia-cuda-runtime": "13.0.96"}


def test_a_project_that_cannot_go_with_the_base_is_told_which_file_says_what(index: Index, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"requirements\.in, \.base/test\.in: ") as caught:
        lock(tmp_path, f"{runtime_name(12)}<12\n", image_base(cuda=cuda_of(12)))
    assert "\n" not in str(caught.value)
    assert "the base's own requirements count too" in caught.value.hint


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        ("-r x.in", r"test: cuda\.requirements: '-r x\.in': "),
        ("nvidia @ file:///x", r"test: cuda\.requirements:1: nvidia"),
    ],
)
def test_a_base_that_requires_anything_but_packages_is_refused(
    index: Index, tmp_path: Path, requirement: str, said: str
) -> None:
    cuda = cuda_of(12).model_copy(update={"requirements": (requirement,)})
    with pytest.raises(InputError, match=said):
        lock(tmp_path, "", image_base(cuda=cuda))


def test_a_projects_file_in_the_place_of_the_bases_is_refused(index: Index, tmp_path: Path) -> None:
    (tmp_path / "project" / ".base").mkdir(parents=True)
    (tmp_path / "project" / ".base" / "test.in").write_text("alpha\n")

    with pytest.raises(InputError, match=r"\.base: a requirement file of the project is in this folder"):
        lock(tmp_path, "-r .base/test.in\n", image_base(cuda=cuda_of(12)))


@pytest.mark.sandbox
@pytest.mark.compiler
@pytest.mark.parametrize("major", [12, 13])
def test_the_linker_finds_the_toolkit_without_a_variable(index: Index, tmp_path: Path, major: int) -> None:
    store, base = Store(tmp_path / "store"), image_base(cuda=cuda_of(major))
    work = tmp_path / "compiled"
    runtime = build_library(work, f"libcudart.so.{major}", f"int runtimeVersion(void) {{ return {major}000; }}")
    light = build_library(work, f"libcublasLt.so.{major}", "int light(void) { return 7; }")
    source = "int runtimeVersion(void); int light(void); int blasVersion(void) { return runtimeVersion() + light(); }"
    needs = [f"libcublasLt.so.{major}", f"libcudart.so.{major}"]
    blas = build_library(work, f"libcublas.so.{major}", source, needs)
    offer(index, runtime_name(major), f"{major}.99.1", runtime_files(major, runtime))
    offer(index, blas_name(major), f"{major}.99.1", blas_files(major, blas, light))
    made = lock(tmp_path, "", base)
    skeleton = {"usr/bin/probe": build_program(work, "probe", PROBE), **c_library()}
    deb = deb_artifact(store, make_deb("skeleton", files={path: File(data, 0o755) for path, data in skeleton.items()}))
    for artifact in made.artifacts:
        assert store.add_bytes(index.files[artifact.filename]) == artifact.sha256

    image = build_image(image_lock([deb, *made.artifacts], settle_base(base, made.artifacts)), store, Silent())
    place = Sandbox().load(image, store, Silent())
    said: list[bytes] = []
    done = Sandbox().execute(place, Container(["/usr/bin/probe", f"libcublas.so.{major}"], {}, "/"), said.append)

    assert (done.status, b"".join(said)) == (0, f"{major}007\n".encode())


@pytest.mark.network
@pytest.mark.parametrize("major", [12, 13])
def test_what_our_bases_require_is_one_release_on_the_real_index(tmp_path: Path, major: int) -> None:
    base, _ = read_base(f"cuda{major}-debian12-python311", tmp_path)
    assert base.cuda
    (tmp_path / "base.in").write_text("".join(f"{line}\n" for line in base.cuda.requirements))

    # uv reads the metadata at the end of each wheel, and so kilobytes; the whole lock would read gigabytes.
    target = Target("3.11.2", (2, 36))
    pins = parse_pins(
        compile_with_uv(tmp_path, ["base.in"], target, run_process, read_pip_sources(run_process)), "requirements.txt"
    )

    assert pins.keys() > {runtime_name(major), blas_name(major), f"nvidia-cudnn-cu{major}", f"nvidia-nccl-cu{major}"}
    assert pins[runtime_name(major)].version.release[:2] == pins["cuda-toolkit"].version.release[:2]
    assert pins["cuda-toolkit"].version.major == major


@pytest.mark.network
@pytest.mark.sandbox
def test_nvidias_own_runtime_answers_in_the_image_without_a_gpu(tmp_path: Path) -> None:
    for major in (12, 13):
        project = tmp_path / f"cuda{major}"
        project.mkdir()
        (project / "base.toml").write_text(
            f'extends = "cuda{major}-debian12-python311"\nname = "runtime-only"\n'
            f'cuda.requirements = ["cuda-toolkit[cudart]>={major},<{major + 1}"]\n'
        )
        (project / "reprobuild.toml").write_text(TOML)
        (project / "train.py").write_text(TRAIN.format(major=major))

        said = reprobuild(tmp_path, project, "lock")
        reprobuild(tmp_path, project, "run")

        index = LockIndex.from_bytes((project / "lockfiles" / "reprobuild.lock").read_bytes(), "lock")
        assert index.cuda
        assert index.cuda.version.startswith(f"{major}.")
        assert json.loads(reprobuild(tmp_path, project, "lock", "--json"))["cuda"] == index.cuda.model_dump()
        assert f"CUDA {index.cuda.version}, needs driver {index.cuda.driver} or newer" in said
        minor = int(index.cuda.version.partition(".")[2])
        assert json.loads((project / "found.json").read_bytes()) == [
            0,
            major * 1000 + minor * 10,  # as CUDART_VERSION spells it
            True,
            False,
            index.cuda.version,
        ]


def reprobuild(folder: Path, project: Path, *words: str) -> str:
    """What the command line says, in a project, with a store in `folder`."""
    environment = {**os.environ, "REPROBUILD_STORE": str(folder / "store")}
    argv = [sys.executable, "-m", "reprobuild", "-C", str(project), *words]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
