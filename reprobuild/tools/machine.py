"""Facts about this machine that a result may depend on (proc(5), sysfs(5), cgroups(7), sched_getaffinity(2))."""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from reprobuild.ground.errors import ToolError
from reprobuild.ground.parallel import each
from reprobuild.hardware.fingerprint import Cpu, Fingerprint
from reprobuild.tools.nvml import collect_nvidia
from reprobuild.tools.process import Runner

CPU_FIELDS = {
    "vendor_id": "vendor",
    "cpu family": "family",
    "model": "model",
    "model name": "name",
    "stepping": "stepping",
    "microcode": "microcode",
    # The names on 64-bit ARM.
    "CPU implementer": "vendor",
    "CPU architecture": "family",
    "CPU part": "model",
    "CPU revision": "stepping",
}
ENGINES = {"bwrap": "bubblewrap", "docker": "Docker", "podman": "Podman"}
TOOLKIT = ("nvidia-ctk", "nvidia-container-cli")
VERSION = re.compile(r"\d+(?:\.\d+)+[^\s,]*")
UNLIMITED = 1 << 60
"""Control groups of version 1 say "no limit" with a number near 2^63."""


def parse_cpuinfo(text: str) -> dict[str, str]:
    """The first processor of a /proc/cpuinfo text, its flags as one string."""
    found: dict[str, str] = {}
    for line in text.partition("\n\n")[0].splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if name in ("flags", "Features"):
            found["flags"] = value
        elif name in CPU_FIELDS:
            found[CPU_FIELDS[name]] = value
    return found


def collect_cpu(root: Path = Path("/")) -> Cpu:
    """The processor of the machine whose /proc and /sys lie under `root`."""
    told = parse_cpuinfo(_read(root / "proc/cpuinfo"))
    flags = tuple(sorted(told.pop("flags", "").split()))
    cpus = root / "sys/devices/system/cpu"
    cores = sorted(path for path in cpus.glob("cpu[0-9]*") if (path / "topology").is_dir())
    siblings = {_read(path / "topology/thread_siblings_list") for path in cores}
    return Cpu.model_validate(
        {
            **told,
            # Elsewhere images run in a virtual machine, whose processor is not this one.
            "architecture": os.uname().machine if sys.platform == "linux" else "",
            "flags": flags,
            "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 0,
            "logical": len(cores),
            "physical": len(siblings),
            "threads_per_core": len(cores) // len(siblings) if siblings else 0,
            "numa_nodes": len(list((root / "sys/devices/system/node").glob("node[0-9]*"))),
            "caches": dict(_caches(cpus / "cpu0/cache")),
            "quota": cpu_quota(root),
        }
    )


def _caches(folder: Path) -> Iterator[tuple[str, int]]:
    kinds = {"Data": "d", "Instruction": "i"}
    for path in sorted(folder.glob("index[0-9]*")):
        size = re.fullmatch(r"(\d+)([KM])", _read(path / "size"))
        if size:
            yield (
                f"L{_read(path / 'level')}{kinds.get(_read(path / 'type'), '')}",
                int(size[1]) << {"K": 10, "M": 20}[size[2]],
            )


def cgroup_folders(root: Path, controller: str) -> list[Path]:
    """This process's control group and those above it: of version 2, and of the controller's hierarchy in version 1."""
    mounts = {}
    for line in _read(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = [*after.split(" "), "", ""][:3]
        if kind == "cgroup2" or (kind == "cgroup" and controller in options.split(",")):
            mounts["" if kind == "cgroup2" else controller] = before.split(" ")[3:5]
    found = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        key = controller if controller in controllers.split(",") else controllers
        if key in mounts:
            top, place = mounts[key]
            inside = path.removeprefix(top) if top != "/" else path
            parts = [part for part in inside.split("/") if part not in ("", "..")]
            folders = [root / place.lstrip("/") / "/".join(parts[:depth]) for depth in range(len(parts), -1, -1)]
            found += folders
    return found


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Processors' worth of time that the strictest control group grants."""
    limits = []
    for folder in cgroup_folders(root, "cpu"):
        quota, period = [*_read(folder / "cpu.max").split(), "", ""][:2]  # version 2
        if not quota:
            quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(quota) and int(period):
            limits.append(round(int(quota) / int(period), 3))
    return min(limits, default=None)


def memory_limit(root: Path = Path("/")) -> int | None:
    """Bytes that the strictest control group grants."""
    texts = [
        _read(folder / name)
        for folder in cgroup_folders(root, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
    ]
    return min((int(text) for text in texts if text.isdigit() and int(text) < UNLIMITED), default=None)


def collect_machine(store: Path, runner: Runner, root: Path = Path("/")) -> Fingerprint:
    """The fingerprint of this machine; `store` tells on which disk images are kept."""
    memory = {
        name: int(amount) << 10
        for name, amount in re.findall(
            r"^(MemTotal|SwapTotal):\s+(\d+) kB$", _read(root / "proc/meminfo"), re.MULTILINE
        )
    }
    nvidia = collect_nvidia()
    return Fingerprint(
        cpu=collect_cpu(root),
        memory_bytes=memory.get("MemTotal", 0),
        memory_limit_bytes=memory_limit(root),
        swap_bytes=memory.get("SwapTotal", 0),
        disk_free_bytes=_disk_free(store),
        kernel=os.uname().release,
        system_libc=_libc(),
        container_toolkit=next(iter(program_versions(TOOLKIT, runner).values()), ""),
        driver=nvidia.driver,
        cuda=nvidia.cuda,
        driver_glibc=_driver_glibc(runner) if nvidia.driver else "",
        gpus=nvidia.gpus,
        links=nvidia.links,
        gpu_problem=nvidia.problem,
    )


def collect_engines(runner: Runner) -> dict[str, str]:
    """Programs that run images here, with their versions; nothing is asked of a daemon."""
    return {ENGINES[program]: version for program, version in program_versions(ENGINES, runner).items()}


def program_versions(programs: Iterable[str], runner: Runner) -> dict[str, str]:
    """Version by program, of those that are here."""
    here = [program for program in programs if shutil.which(program)]
    return dict(zip(here, each(lambda name: _version(name, runner), here, 4), strict=True)) if here else {}


def _version(program: str, runner: Runner) -> str:
    try:
        done = runner([program, "--version"], timeout=5)
    except ToolError:
        return ""
    found = VERSION.search(done.stdout)
    return found[0] if found else ""


def _driver_glibc(runner: Runner) -> str:
    """The newest glibc that libcuda asks for; "" where the linker does not find one."""
    from reprobuild.image.elf import read_needed_glibc
    from reprobuild.tools.gpu import installed_libraries

    try:
        file = dict(installed_libraries(Path("/"), runner)).get("libcuda.so.1")
    except ToolError:  # no ldconfig
        return ""
    if file is None:
        return ""
    with file.open("rb") as stream:
        return read_needed_glibc(stream)


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):  # not the GNU C library
        return ""


def _disk_free(store: Path) -> int | None:
    """Of the folder that is there, where the store is or will be."""
    for folder in (store, *store.absolute().parents):
        if folder.is_dir():
            found = os.statvfs(folder)
            return found.f_bavail * found.f_frsize
    return None


def _read(path: Path) -> str:
    """A small file's text without its last newline; "" where it is not there."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
