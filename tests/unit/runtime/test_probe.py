"""The numeric probe in real interpreters, with the libraries that the tests have; the others are played."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from reprobuild_probe import of_libm, of_math, of_numpy, of_scipy, of_torch
from reprobuild_probe.battery import Row, cases

RUNTIME = Path(str(files("reprobuild") / "runtime"))
TABLES: dict[str, list[Row]] = {
    "libm": of_libm.ROWS,
    "math": of_math.ROWS,
    "numpy": of_numpy.ROWS,
    "scipy": of_scipy.ROWS,
    "torch": of_torch.rows(),
}
COUNTS = {"libm": 40, "math": 60, "numpy": 90, "scipy": 60, "torch": 180}
"""Operations that each library's battery has at least."""


def run(script: str, folder: Path, environment: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """A script with the runtime's modules at hand, and no other of this repository."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{RUNTIME}:{folder}", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def probe(folder: Path, *libraries: str, before: str = "", environment: Mapping[str, str] = {}) -> dict[str, Any]:
    """What the probe prints; `before` is done first in its process."""
    script = f"{before}\nfrom reprobuild_probe.__main__ import main\nraise SystemExit(main({list(libraries)!r}))"
    done = run(script, folder, environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the libraries of the tests compute."""
    return probe(tmp_path_factory.mktemp("plain"), "libm", "math", "numpy")


@pytest.mark.parametrize("library", sorted(TABLES))
def test_each_library_has_many_operations_in_several_shapes_or_types(library: str) -> None:
    counted = Counter(case.name.split("/")[1] for case in cases(library, TABLES[library], None))

    assert len(counted) >= COUNTS[library]
    assert sum(counted.values()) >= 2 * len(counted)
    # A range stands for a shape where a function takes one number.
    assert [name for name, count in counted.items() if count < 2 and name not in ("conv3d", "embedding_bag")] == []


def test_everything_is_computed_and_hardly_two_results_are_equal(plain: dict[str, Any]) -> None:
    results = plain["operations"]

    assert [name for name, told in results.items() if not isinstance(told, str)] == []
    assert plain["problems"] == []
    assert len(set(results.values())) > 0.85 * len(results)
    # Nothing is a constant: no digest stands for more than a few names, which round alike or sort alike.
    assert max(Counter(results.values()).values()) <= 8
    assert set(plain["libraries"]) == {"libm", "math", "numpy"}
    assert plain["cpu"]["vendor"]


def test_results_depend_on_nothing_around_the_probe(plain: dict[str, Any], tmp_path: Path) -> None:
    elsewhere = {
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "77",
        "REPROBUILD_SEED": "9",
        "HOME": str(tmp_path),
    }
    again = probe(tmp_path, "libm", "math", "numpy", environment={**elsewhere, "PADDING": "x" * 5000})

    assert again["operations"] == plain["operations"]


def test_a_function_that_is_off_by_one_unit_in_the_last_place_is_found(plain: dict[str, Any], tmp_path: Path) -> None:
    planted = "import numpy\nsqrt = numpy.sqrt\nnumpy.sqrt = lambda x: numpy.nextafter(sqrt(x), x.dtype.type(0))"
    seen = probe(tmp_path, "numpy", before=planted)["operations"]
    differing = {name.split("/")[1] for name, digest in seen.items() if digest != plain["operations"][name]}

    assert differing == {"sqrt"}


def test_a_library_that_is_not_there_is_passed_over_and_one_that_does_not_load_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("import nowhere")
    (tmp_path / "scipy.py").write_text("raise OSError('libopenblas.so: no such file')")
    told = probe(tmp_path, "torch", "scipy", "math")

    assert told["problems"] == [
        "scipy: OSError: libopenblas.so: no such file",
        "torch: No module named 'nowhere'",
    ]
    assert set(told["libraries"]) == {"math"}


APART = """
import json, os, signal, sys, time
from reprobuild_probe import children
from reprobuild_probe.battery import Case
children.PATIENCE = 1
def battery(teller):
    teller.tell("version", "x", "1")
    yield Case("x/a/f64/1", lambda: 1.0)
    yield Case("x/b/f64/1", lambda: os.kill(os.getpid(), signal.SIGSEGV))
    yield Case("x/c/f64/1", lambda: 1 / 0)
    yield Case("x/d/f64/1", lambda: time.sleep(60))
    yield Case("x/e/f64/1", lambda: print("noise") or object())
    yield Case("x/f/f64/1", lambda: os._exit(7))
    yield Case("x/g/f64/1", lambda: 2.0)
told = children.Told()
children.run_apart("x", battery, told)
json.dump([told.operations, told.problems, told.versions], sys.stdout)
"""


def test_an_operation_that_fails_dies_or_hangs_costs_only_itself(tmp_path: Path) -> None:
    done = run(APART, tmp_path)
    operations, problems, versions = json.loads(done.stdout)

    assert operations == {
        "x/a/f64/1": operations["x/a/f64/1"],
        "x/b/f64/1": {"error": "the process was killed by SIGSEGV"},
        "x/c/f64/1": {"error": "ZeroDivisionError: division by zero"},
        "x/d/f64/1": {"error": "the process took longer than 1 s"},
        "x/e/f64/1": {"error": "TypeError: a result of type object"},
        "x/f/f64/1": {"error": "the process ended with status 7"},
        "x/g/f64/1": operations["x/g/f64/1"],
    }
    assert (problems, versions) == ({}, {"x": "1"})
    assert operations["x/a/f64/1"] != operations["x/g/f64/1"]


def test_a_library_that_dies_when_it_is_imported_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("import os; os.kill(os.getpid(), 11)")

    assert probe(tmp_path, "torch")["problems"] == ["torch: its process was killed by SIGSEGV"]


def test_a_driver_that_fails_is_told_after_what_the_cpu_computed() -> None:
    def broken() -> bool:
        raise RuntimeError("CUDA driver initialization failed")

    found = of_torch.devices(SimpleNamespace(cuda=SimpleNamespace(is_available=broken)))

    assert next(found) == "cpu"
    with pytest.raises(RuntimeError, match="driver initialization failed"):
        next(found)


def test_each_gpu_is_probed_by_its_number() -> None:
    two = SimpleNamespace(is_available=lambda: True, device_count=lambda: 2)

    assert list(of_torch.devices(SimpleNamespace(cuda=two))) == ["cpu", "cuda:0", "cuda:1"]


def test_a_library_that_is_not_known_is_refused(tmp_path: Path) -> None:
    done = run("from reprobuild_probe.__main__ import main\nmain(['cupy'])", tmp_path)

    assert done.returncode == 2
    assert "cupy: not one of libm, math, numpy, scipy, torch" in done.stderr
