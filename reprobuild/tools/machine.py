"""Facts about this machine that a result may depend on (proc(5), sched_getaffinity(2))."""

import os
from pathlib import Path

from pydantic import JsonValue

CPU_FIELDS = {
    "vendor_id": "vendor",
    "cpu family": "family",
    "model": "model",
    "model name": "name",
    "stepping": "stepping",
    "microcode": "microcode",
    "flags": "flags",
}


def collect_cpu(cpuinfo: str, cores: int) -> dict[str, JsonValue]:
    """The first processor of a /proc/cpuinfo text, its flags sorted, and how many cores may be used."""
    found: dict[str, JsonValue] = {"cores": cores}
    for line in cpuinfo.partition("\n\n")[0].splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if name == "flags":
            found["flags"] = list[JsonValue](sorted(value.split()))
        elif name in CPU_FIELDS:
            found[CPU_FIELDS[name]] = value
    return found


def collect_machine() -> tuple[dict[str, JsonValue], int, str]:
    """The CPU's facts, memory in bytes, and the kernel's release."""
    cpu = collect_cpu(Path("/proc/cpuinfo").read_text(), len(os.sched_getaffinity(0)))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return cpu, memory, os.uname().release
