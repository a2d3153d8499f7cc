"""What processes told of their processors, as a record keeps it; anything may have been written there."""

from typing import Any

import pytest

from reprobuild.hardware.fingerprint import Cpu
from reprobuild.record.processes import MAX_CPUS, count_processes, emulated_cpu, name_programs, parse_cpu

HASWELL: dict[str, Any] = {
    "vendor": "GenuineIntel",
    "name": "Intel Core Processor (Haswell)",
    "family": "6",
    "model": "60",
    "stepping": "4",
    "features": ["fma", "avx2"],
    "caches": {"L2": 4096, "L1d": 1024},
    "hypervisor": "TCGTCGTCGTCG",
}


def test_each_processor_is_told_once_with_its_processes() -> None:
    other = {**HASWELL, "vendor": "AuthenticAMD"}
    told = count_processes([{"cpu": HASWELL}, {"cpu": other}, {"cpu": HASWELL, "pid": 7}])

    assert told["count"] == 3
    cpus: Any = told["cpus"]
    assert [(cpu["vendor"], cpu["count"]) for cpu in cpus] == [("AuthenticAMD", 1), ("GenuineIntel", 2)]
    assert cpus[1]["features"] == ["avx2", "fma"]


def test_no_order_and_no_number_of_a_process_changes_what_is_kept() -> None:
    processes: list[dict[str, Any]] = [{"cpu": {**HASWELL, "model": str(model)}, "pid": model} for model in range(5)]

    assert count_processes(processes) == count_processes(processes[::-1])


def test_a_process_counts_the_children_for_which_it_speaks() -> None:
    told: list[dict[str, Any]] = [{"cpu": HASWELL, "silent_forks": 900}, {"cpu": HASWELL, "late": True}]

    assert count_processes(told)["count"] == 901


def test_processors_are_kept_up_to_a_bound() -> None:
    told = count_processes([{"cpu": {**HASWELL, "model": str(model)}} for model in range(200)])

    assert told["count"] == 200
    assert len(told["cpus"]) == MAX_CPUS  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "told",
    [
        None,
        3,
        [],
        {"vendor": None},
        {"vendor": "x" * 10**6, "features": 3, "caches": [1]},
        {"vendor": "a\0b", "features": [1, None], "caches": {"L1": -1, "L2": "x", "L3": 1 << 70}},
    ],
)
def test_whatever_was_written_becomes_a_processor_or_none(told: Any) -> None:
    cpu = parse_cpu(told)

    assert cpu == {} or (len(str(cpu["vendor"])) <= 100 and "\0" not in str(cpu))
    assert emulated_cpu(Cpu(), told).cores == 0


def test_an_emulated_processor_has_this_machines_cores_and_nothing_else_of_it() -> None:
    machine = Cpu(vendor="AuthenticAMD", name="EPYC", microcode="0x1", flags=("avx512f",), cores=8, caches={"L3": 5})
    seen = emulated_cpu(machine, HASWELL)

    assert (seen.vendor, seen.name, seen.model, seen.microcode, seen.cores) == (
        *("GenuineIntel", "Intel Core Processor (Haswell)", "60", ""),
        8,
    )
    assert (seen.flags, seen.caches) == (("avx2", "fma"), {"L1d": 1024, "L2": 4096})


def test_programs_that_are_no_python_are_named_once() -> None:
    told: list[dict[str, Any]] = [
        {"programs": [{"program": "uname", "count": 3}, {"program": "awk"}]},
        {"programs": [{"program": "uname"}]},
        {"programs": "x"},
        {},
    ]

    assert list(name_programs(told)) == ["awk", "uname"]
