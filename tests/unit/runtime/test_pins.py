"""Pins in real processes, with the NumPy and the OpenBLAS that this package itself uses."""

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from reprobuild_inside.versions import lies_in

from reprobuild.numerics import profiles

RUNTIME = Path(str(files("reprobuild") / "runtime"))
ONE_CORE = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
Pin = dict[str, Any]


def pins_of() -> list[Pin]:
    return list(json.loads(profiles.inside("portable", 2))["pins"])


def run(folder: Path, script: str, pins: list[Pin] | bytes, *options: str, **changes: str | None) -> dict[str, Any]:
    """What the runtime told of a script under pins; `changes` are variables that are not as the pins have them."""
    (folder / "found").mkdir()
    (folder / "numerics.json").write_bytes(pins if isinstance(pins, bytes) else json.dumps({"pins": pins}).encode())
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(RUNTIME),
        "REPROBUILD_FOUND": str(folder / "found"),
        "REPROBUILD_NUMERICS": str(folder / "numerics.json"),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2"),
        **{k: v for pin in ([] if isinstance(pins, bytes) else pins) for k, v in pin["environment"].items()},
    }
    done = subprocess.run(
        [sys.executable, *options, "-c", script],
        env={name: value for name, value in {**environment, **changes}.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [told] = [json.loads(path.read_bytes()) for path in (folder / "found").iterdir()]
    return {**told, "printed": done.stdout.split()}


def missed(told: dict[str, Any]) -> dict[str, str]:
    return {name: pin["detail"] for name, pin in told["pins"].items() if not pin["took"]}


def test_every_pin_takes_in_a_process_with_numpy(tmp_path: Path) -> None:
    told = run(tmp_path, "import numpy", pins_of())

    assert missed(told) == {}
    assert {"numpy-simd", "openblas-core", "openblas-threads", "openmp-dynamic"} <= told["pins"].keys()
    assert told["problems"] == []


def test_the_number_of_threads_is_the_recorded_one_on_fewer_cores(tmp_path: Path) -> None:
    ask = "import numpy; from reprobuild_inside import pins_openblas as p; print(p.threads('2')[0])"
    (tmp_path / "pinned").mkdir()
    (tmp_path / "native").mkdir()

    assert run(tmp_path / "pinned", ONE_CORE + ask, pins_of())["printed"] == ["True"]
    assert run(tmp_path / "native", ONE_CORE + ask, [])["printed"] == ["False"]


def test_pins_of_a_library_that_was_not_imported_are_left_out(tmp_path: Path) -> None:
    told = run(tmp_path, "pass", pins_of())

    assert "openmp-dynamic" in told["pins"]
    assert not {"numpy-simd", "openblas-core"} & told["pins"].keys()


def test_a_version_that_the_pins_do_not_know_has_not_taken(tmp_path: Path) -> None:
    pins = [{**pin, "versions": ">=99,<100"} for pin in pins_of() if pin["library"] in ("numpy", "openblas")]
    told = run(tmp_path, "import numpy; print(numpy.__version__)", pins)

    assert missed(told)["numpy-simd"] == f"numpy {told['printed'][0]}: the pins know >=99,<100"
    assert missed(told)["openblas-threads"].startswith("openblas 0.")


def test_a_script_that_chooses_for_itself_is_told(tmp_path: Path) -> None:
    script = "import numpy; from reprobuild_inside import pins_openblas as p; p.set_threads('1')"

    told = run(tmp_path, script, pins_of())

    assert list(missed(told)) == ["openblas-threads"]
    assert missed(told)["openblas-threads"].endswith("threads 1, not 2")


@pytest.mark.parametrize(
    ("name", "value", "pin", "detail"),
    [
        ("OMP_DYNAMIC", None, "openmp-dynamic", "OMP_DYNAMIC is not set, not 'FALSE'"),
        ("OPENBLAS_CORETYPE", "Nehalem", "openblas-core", "OPENBLAS_CORETYPE is 'Nehalem', not 'Haswell'"),
    ],
)
def test_a_variable_that_something_changed_is_told(
    tmp_path: Path, name: str, value: str | None, pin: str, detail: str
) -> None:
    told = run(tmp_path, "import numpy", pins_of(), **{name: value})

    assert missed(told) == {pin: detail}


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ("os.environ['OMP_DYNAMIC'] = 'TRUE'", "OMP_DYNAMIC is 'TRUE' by the script's doing, not 'FALSE'"),
        ("os.environ.clear()", "OMP_DYNAMIC is not set by the script's doing, not 'FALSE'"),
    ],
)
def test_a_variable_that_the_script_changed_before_a_library_reads_it_is_told(
    tmp_path: Path, change: str, detail: str
) -> None:
    """Also where it is as before afterwards: when the library read it, nobody knows."""
    after = {**next(pin for pin in pins_of() if pin["id"] == "openmp-dynamic"), "after": ["numpy"]}
    script = f"import os; before = dict(os.environ); {change}; import numpy; os.environ.update(before)"

    assert missed(run(tmp_path, script, [after])) == {"openmp-dynamic": detail}


def test_a_variable_that_the_script_changed_at_any_time_is_told_and_one_that_is_asked_for_elsewhere_is_not(
    tmp_path: Path,
) -> None:
    told = run(tmp_path, "import numpy, os; os.environ.clear()", pins_of())

    assert missed(told) == {"openmp-dynamic": "OMP_DYNAMIC is not set by the script's doing, not 'FALSE'"}


def test_a_library_that_does_not_obey_is_told(tmp_path: Path) -> None:
    pins = [{**pin, "environment": {}} for pin in pins_of() if pin["id"] in ("numpy-simd", "openblas-core")]

    told = run(tmp_path, "import numpy", pins, NPY_DISABLE_CPU_FEATURES="X86_V3", OPENBLAS_CORETYPE="Nehalem")

    assert missed(told)["numpy-simd"] == "lacks X86_V3"
    assert "core Nehalem, not Haswell" in missed(told)["openblas-core"]


def test_mathematical_functions_without_fused_multiply_add_are_told(tmp_path: Path) -> None:
    pins = [{**pin, "environment": {}} for pin in pins_of() if pin["id"] == "glibc-libm"]

    told = run(tmp_path, "pass", pins, GLIBC_TUNABLES="glibc.cpu.hwcaps=-FMA")

    assert missed(told)["glibc-libm"].endswith("no fused multiply-add")


def test_numpy_is_imported_where_warnings_are_errors(tmp_path: Path) -> None:
    assert missed(run(tmp_path, "import numpy", pins_of(), "-W", "error")) == {}


def test_a_pin_that_goes_wrong_is_told_and_ends_nothing(tmp_path: Path) -> None:
    broken = {**pins_of()[0], "id": "broken", "versions": "", "after": [], "check": "pins_numpy.nothing"}

    told = run(tmp_path, "import numpy", [broken, *pins_of()])

    assert list(missed(told)) == ["broken"]
    assert missed(told)["broken"].startswith("AttributeError: ")


@pytest.mark.parametrize("table", [b"", b"[]", b"{}", b"\xff"])
def test_a_broken_table_is_a_problem_and_ends_nothing(tmp_path: Path, table: bytes) -> None:
    told = run(tmp_path, "import numpy", table)

    assert [problem.partition(":")[0] for problem in told["problems"]] == ["numerics"]


@pytest.mark.parametrize(
    ("version", "specifier", "inside"),
    [
        ("2.4.6", ">=1.20,<3", True),
        ("2.13.0+cpu", ">=2.13,<2.14", True),
        ("0.3.31.188.0", ">=0.3.10,<0.4", True),
        ("3.0.0rc1", "<3", False),
        ("1.19.5", ">=1.20,<3", False),
        ("2.0", "==2", True),
        ("2.0", "!=2.0.0", False),
        ("2.0", "<=2,>1", True),
        ("", ">=1", False),
        ("unknown", "<3", False),
        ("2.0", "~=2", False),
    ],
)
def test_a_version_lies_in_a_specifier_or_not(version: str, specifier: str, inside: bool) -> None:
    assert lies_in(version, specifier) is inside
