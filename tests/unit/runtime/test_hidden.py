"""What computes where no dispatch is seen: named, however it was loaded, and in whichever process."""

import shutil
from pathlib import Path

import pytest
from builders.scripts import Run, install

WATCHED = {"REPROBUILD_SIGNATURES": "1"}
SYSTEM = next(Path("/lib/x86_64-linux-gnu").glob("libz.so.1"))


def hidden(run: Run) -> list[str]:
    """What the main process named, after it ended well."""
    assert run.done.returncode == 0, run.done.stderr
    found: list[str] = run.main["signatures"]["hidden"]
    return found


def test_a_script_that_computes_in_python_hides_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, "import ctypes, json, zlib, _decimal\nctypes.CDLL(None).getpid()\n", WATCHED)

    assert hidden(run) == []
    assert run.main["signatures"]["gaps"] == []


def test_a_library_that_is_loaded_without_an_import_is_named(tmp_path: Path) -> None:
    shutil.copyfile(SYSTEM, tmp_path / "libcompute.so")

    assert hidden(Run(tmp_path, "import ctypes\nctypes.CDLL('./libcompute.so')\n", WATCHED)) == ["libcompute"]


def test_the_kernels_of_a_compiler_are_one_name(tmp_path: Path) -> None:
    for name in ("c7hc", "c65q"):
        (tmp_path / "cache" / name).mkdir(parents=True)
        shutil.copyfile(SYSTEM, tmp_path / "cache" / name / f"{name}.so")
    load = "import ctypes\nctypes.CDLL('./cache/c7hc/c7hc.so')\nctypes.CDLL('./cache/c65q/c65q.so')\n"
    run = Run(tmp_path, load, {**WATCHED, "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")})

    assert hidden(run) == ["torch.compile"]


@pytest.mark.parametrize(
    "script",
    [
        "from numpy import exp\n",
        "def work():\n    from numpy import exp\n    exp(1)\nwork()\n",
        "import numpy.linalg as la\n",
        "import package\n",
    ],
)
def test_a_use_of_numpy_is_named(tmp_path: Path, script: str) -> None:
    install(tmp_path, "package", "from numpy import exp\n")
    (tmp_path / "packages").rename(tmp_path / "site-packages")
    path = f"import sys\nsys.path.append({str(tmp_path / 'site-packages')!r})\n"

    assert hidden(Run(tmp_path, path + script, WATCHED)) == ["numpy"]


def test_a_script_without_an_ending_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "train").write_text("def work():\n    from numpy import exp\n    exp(1)\nwork()\n")
    script = "import subprocess, sys\nsubprocess.run([sys.executable, 'train'], check=True)\n"
    [child] = [told for told in Run(tmp_path, script, WATCHED).told if not told["main"]]

    assert child["signatures"]["hidden"] == ["numpy"]


def test_numpy_that_nobody_uses_is_not_named(tmp_path: Path) -> None:
    install(tmp_path, "package", "import importlib\nimportlib.import_module('num' + 'py')\n")

    assert hidden(Run(tmp_path, "import package\n", WATCHED)) == []


def test_a_script_on_the_command_line_is_read_too(tmp_path: Path) -> None:
    script = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'from numpy import exp'], check=True)\n"
    run = Run(tmp_path, script, WATCHED)
    [child] = [told for told in run.told if not told["main"]]

    assert child["signatures"]["hidden"] == ["numpy"]


def test_each_worker_of_a_pool_tells_what_it_used(tmp_path: Path) -> None:
    script = """
from multiprocessing import get_context

def work(number):
    import numpy
    return float(numpy.exp(number))

if __name__ == "__main__":
    pool = get_context("fork").Pool(2)
    pool.map(work, range(4), chunksize=1)
    pool.close()
    pool.join()
"""
    run = Run(tmp_path, script, WATCHED)
    workers = [told for told in run.told if not told["main"]]

    assert run.done.returncode == 0, run.done.stderr
    assert len(workers) == 2
    assert {tuple(worker["signatures"]["hidden"]) for worker in workers} == {("numpy",)}


def test_the_servants_of_multiprocessing_are_known_for_what_they_are(tmp_path: Path) -> None:
    script = """
from multiprocessing import get_context

def work(number):
    return number

if __name__ == "__main__":
    with get_context("spawn").Pool(1) as pool:
        pool.map(work, [1])
"""
    run = Run(tmp_path, script, WATCHED)

    assert run.done.returncode == 0, run.done.stderr
    assert sum(told["helper"] for told in run.told) == 1


def test_variables_that_choose_arithmetic_and_were_changed_are_told(tmp_path: Path) -> None:
    script = """
import json, os
from reprobuild_inside.signatures import changed_variables
before = changed_variables()
os.environ["MKL_CBWR"] = "AVX2"
os.environ["OMP_WAIT_POLICY"] = "passive"
del os.environ["OPENBLAS_CORETYPE"]
print(json.dumps([before, changed_variables()]))
"""

    assert Run(tmp_path, script, {"OPENBLAS_CORETYPE": "Haswell"}).printed == [[], ["MKL_CBWR", "OPENBLAS_CORETYPE"]]
