"""NVIDIA's real bindings over a small C library that answers as `libnvidia-ml.so.1`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders.gcc import build_library

from reprobuild.ground.digests import sha256_bytes
from reprobuild.hardware.fingerprint import Fingerprint, GpuState, Link, MigDevice

pytestmark = pytest.mark.compiler

SYSTEM = "driver=535.129.03;cuda=12020"
A100 = (
    "0.name=NVIDIA A100-SXM4-40GB;0.uuid=GPU-5a1c;0.serial=1560221004141;0.cores=6912;0.capability=80;"
    "0.memory=42949672960;0.ecc=1;0.mig=0;0.sm=1410;0.mem=1215;0.power=62500;0.heat=31"
)
PROGRAM = """
import sys
from pathlib import Path
from reprobuild.tools.machine import collect_machine
from reprobuild.tools.process import run_process
sys.stdout.buffer.write(collect_machine(Path("/"), run_process).to_bytes())
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(Path("nvml.c"), tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1")


def fingerprint(library: Path, answers: str) -> Fingerprint:
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library.parent), "FAKE_NVML": answers}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return Fingerprint.from_bytes(done.stdout, "fingerprint")


def test_one_gpu_is_told_with_every_fact(library: Path) -> None:
    seen = fingerprint(library, f"{SYSTEM};count=1;{A100}")
    (gpu,) = seen.gpus

    assert (seen.driver, seen.cuda, seen.gpu_problem, seen.links) == ("535.129.03", "12.2", "", ())
    assert (gpu.name, gpu.architecture, gpu.compute_capability) == ("NVIDIA A100-SXM4-40GB", "Ampere", "8.0")
    assert (gpu.multiprocessors, gpu.memory_bytes, gpu.ecc, gpu.mig) == (108, 40 << 30, True, False)
    assert gpu.state == GpuState(sm_clock_mhz=1410, memory_clock_mhz=1215, power_watts=62.5, temperature_celsius=31)


def test_what_identifies_a_card_is_there_only_hashed(library: Path) -> None:
    seen = fingerprint(library, f"{SYSTEM};count=1;{A100}")
    text = seen.to_bytes().decode()

    assert seen.gpus[0].uuid == sha256_bytes(b"GPU-5a1c")
    assert seen.gpus[0].serial == sha256_bytes(b"GPU-5a1c 1560221004141")
    assert "5a1c" not in text.replace(seen.gpus[0].uuid, "").replace(seen.gpus[0].serial, "")
    assert "1560221004141" not in text


@pytest.mark.parametrize(
    ("capability", "cores", "multiprocessors", "architecture"),
    [
        (90, 16896, 132, "Hopper"),
        (89, 16384, 128, "Ada"),
        (86, 10752, 84, "Ampere"),
        (75, 2560, 40, "Turing"),
        (70, 5120, 80, "Volta"),
        (60, 3584, 56, "Pascal"),
        (61, 2560, 20, "Pascal"),
        (100, 18944, 148, "Blackwell"),
        (120, 21760, 170, "Blackwell"),
    ],
)
def test_multiprocessors_follow_from_cores_and_architecture(
    library: Path, capability: int, cores: int, multiprocessors: int, architecture: str
) -> None:
    (gpu,) = fingerprint(library, f"{SYSTEM};count=1;0.capability={capability};0.cores={cores}").gpus

    assert (gpu.multiprocessors, gpu.architecture) == (multiprocessors, architecture)


def test_an_architecture_that_is_not_known_yet_has_no_guessed_number(library: Path) -> None:
    (gpu,) = fingerprint(library, f"{SYSTEM};count=1;0.capability=990;0.cores=1000").gpus

    assert (gpu.compute_capability, gpu.multiprocessors, gpu.architecture) == ("99.0", None, "")


@pytest.mark.parametrize(
    ("answers", "way"), [("1.nvlink=0", "NVLink"), ("1.nvlink=5;1.way=30", "PHB"), ("1.way=50", "SYS")]
)
def test_two_gpus_have_a_way_between_them(library: Path, answers: str, way: str) -> None:
    seen = fingerprint(library, f"{SYSTEM};count=2;{A100};{A100.replace('0.', '1.')};{answers}")

    assert [gpu.name for gpu in seen.gpus] == ["NVIDIA A100-SXM4-40GB"] * 2
    assert seen.links == (Link(first=0, second=1, way=way),)
    assert seen.gpu_problem == ""


def test_the_parts_of_a_split_gpu_are_told(library: Path) -> None:
    parts = "".join(
        f";{100 + index}.multiprocessors={count};{100 + index}.megabytes={size};{100 + index}.name=MIG {count}"
        for index, count, size in ((0, 42, 19968), (2, 14, 4864))
    )
    seen = fingerprint(library, f"{SYSTEM};count=1;{A100.replace('0.mig=0', '0.mig=1')};0.parts=7{parts}")

    assert seen.gpus[0].mig is True
    assert seen.gpus[0].mig_devices == (
        MigDevice(name="MIG 42", multiprocessors=42, memory_bytes=19968 << 20),
        MigDevice(name="MIG 14", multiprocessors=14, memory_bytes=4864 << 20),
    )


def test_what_a_gpu_does_not_support_is_no_problem(library: Path) -> None:
    seen = fingerprint(library, f"{SYSTEM};count=1;0.name=GeForce;0.ecc=!3;0.serial=!3;0.mig=!3;0.power=!4")

    assert (seen.gpus[0].ecc, seen.gpus[0].mig, seen.gpus[0].serial, seen.gpu_problem) == (None, None, None, "")


@pytest.mark.parametrize(
    ("answers", "problem", "names"),
    [
        (f"{SYSTEM};count=2;{A100};1.handle=!15", "NVML: GPU 1: GPU is lost", ["NVIDIA A100-SXM4-40GB"]),
        (
            f"{SYSTEM};count=1;{A100.replace('0.memory=42949672960', '0.memory=!999')}",
            "NVML: GPU 0: memory: Unknown Error",
            ["NVIDIA A100-SXM4-40GB"],
        ),
        (f"{SYSTEM};count=!999", "NVML: number of GPUs: Unknown Error", []),
        (
            f"driver=!17;count=1;{A100}",
            "NVML: driver: The operating system has blocked the request.",
            ["NVIDIA A100-SXM4-40GB"],
        ),
        (f"{SYSTEM};count=1;0.name=\udcff", "NVML: GPU 0: name: no text", [""]),
        (f"{SYSTEM};count=1;0.name=x;0.uuid=!77", "NVML: GPU 0: UUID: an error of the fake", ["x"]),
        (f"{SYSTEM};count=1;0.name=x;shutdown=!999", "", ["x"]),
    ],
)  # fmt: skip
def test_one_that_fails_half_way_gives_the_facts_so_far(
    library: Path, answers: str, problem: str, names: list[str]
) -> None:
    seen = fingerprint(library, answers)

    assert (seen.gpu_problem, [gpu.name for gpu in seen.gpus]) == (problem, names)


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (18, "NVML: starting: RM has detected an NVML/RM version mismatch."),
        (9, "NVML: starting: Driver Not Loaded"),
    ],
)
def test_a_driver_that_does_not_start_is_a_named_problem(library: Path, status: int, problem: str) -> None:
    seen = fingerprint(library, f"init=!{status}")

    assert (seen.gpus, seen.driver, seen.gpu_problem) == ((), "", problem)


def test_a_count_beyond_reason_is_cut(library: Path) -> None:
    assert len(fingerprint(library, f"{SYSTEM};count=4000000000").gpus) == 64


def test_a_memory_beyond_reason_is_not_told(library: Path) -> None:
    (gpu,) = fingerprint(library, f"{SYSTEM};count=1;0.name=x;0.memory=18446744073709551615").gpus

    assert gpu.memory_bytes is None


def test_no_library_is_a_fact(tmp_path: Path) -> None:
    seen = fingerprint(tmp_path / "libnvidia-ml.so.1", "")

    assert (seen.gpus, seen.driver, seen.gpu_problem) == ((), "", "")


def test_a_library_that_is_none_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_bytes(b"no library")

    assert fingerprint(tmp_path / "libnvidia-ml.so.1", "").gpus == ()
