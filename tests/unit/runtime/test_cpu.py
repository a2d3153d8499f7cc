"""The processor as a process tells of it; the registers of other machines stand in for this one's."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from builders.scripts import Run, install
from reprobuild_inside.cpu import FEATURES, describe, read_cpu

from reprobuild.tools.machine import collect_cpu

NATIVE = pytest.mark.skipif(os.uname().machine != "x86_64", reason="CPUID is of x86-64")
# As qemu 7.2 emulates a Haswell and an EPYC: leaf, subleaf, then EAX, EBX, ECX, EDX.
HASWELL = {
    (0x0, 0): (0xD, 0x756E6547, 0x6C65746E, 0x49656E69),
    (0x1, 0): (0x306C4, 0x800, 0xFED83203, 0x78BFBFD),
    (0x4, 0): (0x4000121, 0x1C0003F, 0x3F, 0x1),
    (0x4, 1): (0x4000122, 0x1C0003F, 0x3F, 0x1),
    (0x4, 2): (0x4000143, 0x3C0003F, 0xFFF, 0x1),
    (0x4, 3): (0x163, 0x3C0003F, 0x3FFF, 0x6),
    (0x7, 0): (0, 0x3A9, 0, 0),
    (0x40000000, 0): (0x40000001, 0x54474354, 0x43544743, 0x47435447),
    (0x80000000, 0): (0x80000008, 0, 0, 0),
    (0x80000001, 0): (0, 0, 0x21, 0x28100800),
    (0x80000002, 0): (0x65746E49, 0x6F43206C, 0x50206572, 0x65636F72),
    (0x80000003, 0): (0x726F7373, 0x61482820, 0x6C657773, 0x296C),
}
NO_TOPOLOGY = {
    (0x0, 0): (0x1, 0x68747541, 0x444D4163, 0x69746E65),
    (0x1, 0): (0x800F12, 0, 0, 0x7000000),
    (0x80000000, 0): (0x80000006, 0, 0, 0),
    (0x80000005, 0): (0, 0, 0x20020140, 0x40020140),
    (0x80000006, 0): (0, 0, 0x2006140, 0x40C140),
}


def answers(table: Mapping[tuple[int, int], tuple[int, ...]], asked: list[int] | None = None) -> dict[str, object]:
    def ask(leaf: int, subleaf: int) -> list[int]:
        if asked is not None:
            asked.append(leaf)
        return list(table.get((leaf, subleaf), (0, 0, 0, 0)))

    return describe(ask)


def test_an_intel_haswell_is_decoded() -> None:
    cpu = answers(HASWELL)

    assert (cpu["vendor"], cpu["name"]) == ("GenuineIntel", "Intel Core Processor (Haswell)")
    assert (cpu["family"], cpu["model"], cpu["stepping"]) == ("6", "60", "4")
    assert cpu["hypervisor"] == "TCGTCGTCGTCG"
    assert cpu["caches"] == {"L1d": 32768, "L1i": 32768, "L2": 4194304, "L3": 16777216}
    features = cpu["features"]
    assert isinstance(features, list)
    assert features == sorted(features)
    assert {"avx2", "bmi2", "fma", "f16c", "sse4_2", "lm"} <= set(features)
    assert not {"avx512f", "amx_tile"} & set(features)


def test_an_amd_of_a_later_family_without_topology_is_decoded() -> None:
    cpu = answers(NO_TOPOLOGY)

    assert (cpu["vendor"], cpu["family"], cpu["model"], cpu["stepping"]) == ("AuthenticAMD", "23", "1", "2")
    assert cpu["caches"] == {"L1d": 32768, "L1i": 65536, "L2": 524288, "L3": 8388608}
    assert (cpu["name"], cpu["hypervisor"]) == ("", "")


def test_leaves_that_a_processor_does_not_have_are_not_asked() -> None:
    asked: list[int] = []
    answers({(0x0, 0): (0x1, 0, 0, 0)}, asked)

    assert set(asked) <= {0x0, 0x1, 0x80000000}


def test_no_register_has_more_than_its_bits_and_no_feature_two() -> None:
    names = [name for _, words in FEATURES for name in words.split() if name != "-"]

    assert all(len(words.split()) <= 32 for _, words in FEATURES)
    assert len(names) == len(set(names))


@NATIVE
def test_this_machine_tells_what_its_kernel_tells() -> None:
    kernel, cpu = collect_cpu(), read_cpu()

    assert [cpu[name] for name in ("vendor", "name", "family", "model", "stepping")] == [
        *(kernel.vendor, " ".join(kernel.name.split()), kernel.family, kernel.model, kernel.stepping)
    ]
    numeric = {name for name in kernel.flags if name.startswith(("sse", "ssse", "avx", "fma", "f16c", "bmi", "amx"))}
    assert numeric <= set(cpu["features"])


@NATIVE
def test_each_process_tells_its_processor_and_thousands_of_forks_tell_little(tmp_path: Path) -> None:
    script = "import os\nfor _ in range(150):\n    if os.fork() == 0:\n        os._exit(0)\n    os.wait()\n"
    told = Run(tmp_path, script).told

    assert {process["cpu"]["vendor"] for process in told} == {read_cpu()["vendor"]}
    assert len(told) == 101
    assert sum(process.get("silent_forks", 0) for process in told) == 50


def test_programs_that_are_no_python_are_told_once(tmp_path: Path) -> None:
    script = (
        "import os, subprocess, sys\n"
        "for _ in range(3):\n    subprocess.run(['uname'], stdout=subprocess.DEVNULL)\n"
        "os.system('true')\n"
        "subprocess.run([sys.executable, '-c', 'pass'])\n"
    )
    told = Run(tmp_path, script).told

    main = next(process for process in told if process["main"])
    assert [(each["program"], each["count"]) for each in main["programs"]] == [("uname", 3), ("sh", 1)]


@NATIVE
def test_a_process_that_cannot_ask_its_processor_says_so_and_goes_on(tmp_path: Path) -> None:
    install(tmp_path, "ctypes", "raise ImportError('no libffi')")
    run = Run(tmp_path, "print(1)")

    assert run.printed == 1
    assert "cpu: ImportError: no libffi" in run.main["problems"]
    assert run.main["complete"]
