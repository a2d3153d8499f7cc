"""Facts of /proc and /sys of machines that are folders."""

from pathlib import Path

import pytest

from reprobuild.ground.errors import ToolError
from reprobuild.tools.machine import (
    collect_cpu,
    collect_engines,
    collect_machine,
    cpu_quota,
    memory_limit,
    parse_cpuinfo,
)
from reprobuild.tools.process import Finished, run_process

ARM = """\
processor	: 0
Features	: fp asimd sve
CPU implementer	: 0x41
CPU architecture: 8
CPU part	: 0xd40
CPU revision	: 1
"""
V2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_cores_threads_nodes_and_caches_are_counted(tmp_path: Path) -> None:
    files = {f"sys/devices/system/cpu/cpu{n}/topology/thread_siblings_list": f"{n % 2},{n % 2 + 2}\n" for n in range(4)}
    cache = "sys/devices/system/cpu/cpu0/cache"
    for number, (level, kind, size) in enumerate(
        (("1", "Data", "48K"), ("2", "Unified", "2048K"), ("3", "Unified", "30M"))
    ):
        files |= {
            f"{cache}/index{number}/{name}": f"{text}\n"
            for name, text in (("level", level), ("type", kind), ("size", size))
        }
    files |= {f"sys/devices/system/node/node{n}/cpulist": "" for n in range(2)}
    cpu = collect_cpu(lay(tmp_path, files))

    assert (cpu.logical, cpu.physical, cpu.threads_per_core, cpu.numa_nodes) == (4, 2, 2, 2)
    assert cpu.caches == {"L1d": 48 << 10, "L2": 2 << 20, "L3": 30 << 20}


def test_a_processor_of_another_kind_is_told_in_its_own_words() -> None:
    assert parse_cpuinfo(ARM) == {
        "flags": "fp asimd sve",
        "vendor": "0x41",
        "family": "8",
        "model": "0xd40",
        "stepping": "1",
    }


def test_a_machine_that_tells_nothing_has_no_facts_and_no_error(tmp_path: Path) -> None:
    cpu = collect_cpu(tmp_path)

    assert (cpu.name, cpu.logical, cpu.caches, cpu.quota, memory_limit(tmp_path)) == ("", 0, {}, None, None)
    assert collect_machine(tmp_path, run_process, tmp_path).memory_bytes == 0


def test_the_strictest_group_of_version_2_counts(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "proc/self/mountinfo": V2,
            "proc/self/cgroup": "0::/user.slice/job\n",
            "sys/fs/cgroup/user.slice/job/cpu.max": "max 100000\n",
            "sys/fs/cgroup/user.slice/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/user.slice/job/memory.max": "1073741824\n",
            "sys/fs/cgroup/user.slice/memory.max": "max\n",
        },
    )

    assert (cpu_quota(tmp_path), memory_limit(tmp_path)) == (1.5, 1 << 30)


def test_groups_of_version_1_count_too(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "proc/self/mountinfo": V1,
            "proc/self/cgroup": "5:memory:/docker/abc/deeper\n4:cpu,cpuacct:/x\n",
            "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "50000\n",
            "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/deeper/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648\n",
        },
    )

    assert (cpu_quota(tmp_path), memory_limit(tmp_path)) == (0.5, 2 << 30)


@pytest.mark.parametrize("text", ["", "-1 100000", "0 0", "rubbish", "100000 0"])
def test_a_quota_that_is_none_is_no_limit(tmp_path: Path, text: str) -> None:
    lay(tmp_path, {"proc/self/mountinfo": V2, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": text})

    assert cpu_quota(tmp_path) is None


def test_no_name_of_a_host_or_a_user_is_told() -> None:
    import os
    import pwd
    import socket

    text = collect_machine(Path("/"), run_process).to_bytes().decode()
    names = {socket.gethostname(), socket.getfqdn(), pwd.getpwuid(os.getuid()).pw_name, os.environ.get("USER", "root")}

    assert [name for name in names if f'"{name}"' in text or (len(name) > 4 and name in text)] == []


def test_an_engine_that_hangs_or_says_nothing_has_no_version() -> None:
    def slow(argv: object, **options: object) -> Finished:
        raise ToolError("no answer")

    assert set(collect_engines(slow).values()) <= {""}
    assert set(collect_engines(lambda argv, **options: Finished(1, "usage\n", "")).values()) <= {""}
