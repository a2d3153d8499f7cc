"""What keeps a recorded run from running on a machine, or lets it run only with a reservation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reprobuild.hardware.facts import size_text
from reprobuild.hardware.findings import Finding
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.hardware.needs import Needs
from reprobuild.hardware.rules import NOTHING, judge
from reprobuild.numerics.pins import Profile
from reprobuild.numerics.profiles import missing_flags

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Architectures as Debian and as uname(2) name them."""
OTHER_GPUS = re.compile(r"GeForce|RTX|Quadro|TITAN")
"""GPUs that NVIDIA's forward compatibility is not for: it is for those of data centers.

https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html
"""
LIBRARIES = re.compile(r"(nvidia-|lib|cudnn|cutensor|cusparselt|nccl|nvshmem).*")
"""NVIDIA's libraries as wheels and as conda packages. A framework brings them all, for all of its GPUs together."""


@dataclass(frozen=True)
class Demand:
    """What a recorded run asks of a machine. Versions are "" where the lock tells none; sizes are bytes."""

    architecture: str
    needs: Needs
    gpu: bool
    cuda: str
    least_driver: str
    toolkit_driver: str
    libc: str
    memory: int
    disk: int
    numerics: Profile = "native"


def find_obstacles(demand: Demand, machine: Fingerprint) -> Iterator[Finding]:
    """Each demand that the machine does not meet."""
    wanted = MACHINES.get(demand.architecture, demand.architecture)
    if machine.cpu.architecture and wanted != machine.cpu.architecture:
        yield judge("needs.architecture", wanted, machine.cpu.architecture)
    if missing := missing_flags(demand.numerics, machine.cpu.flags):
        yield judge("needs.flags", f"{' '.join(missing)}, for numerics {demand.numerics}", NOTHING)
    if demand.needs.linux and numbers(machine.kernel)[:3] < numbers(demand.needs.linux):
        yield judge("needs.kernel", f"{demand.needs.linux} or newer", machine.kernel)
    memory = min(machine.memory_bytes, machine.memory_limit_bytes or machine.memory_bytes) + machine.swap_bytes
    if machine.memory_bytes and memory < demand.memory:
        yield judge("needs.memory", size_text(demand.memory), size_text(memory))
    if machine.disk_free_bytes is not None and machine.disk_free_bytes < demand.disk:
        yield judge("needs.disk", size_text(demand.disk), f"{size_text(machine.disk_free_bytes)} free")
    if demand.gpu:
        yield from _find_gpu_obstacles(demand, machine)


def _find_gpu_obstacles(demand: Demand, machine: Fingerprint) -> Iterator[Finding]:
    if not machine.gpus:
        yield judge("needs.gpu", "a GPU", machine.gpu_problem or NOTHING)
        return
    yield from _find_driver_obstacles(demand, machine)
    glibc = demand.libc.removeprefix("glibc ")
    if machine.driver_glibc and numbers(glibc) and numbers(glibc) < numbers(machine.driver_glibc):
        yield judge("needs.glibc", glibc, f"{machine.driver_glibc} or newer")
    yield from _find_kernel_obstacles(demand, machine)


def _find_kernel_obstacles(demand: Demand, machine: Fingerprint) -> Iterator[Finding]:
    capabilities = sorted({gpu.compute_capability for gpu in machine.gpus})
    found = f"compute capability {' '.join(capabilities)}"
    old = bool(demand.toolkit_driver) and numbers(machine.driver) < numbers(demand.toolkit_driver)
    for name, kernels in sorted(demand.needs.kernels.items()):
        library = LIBRARIES.fullmatch(name)
        if not any(kernels.run_on(capability) for capability in capabilities):
            yield judge(f"needs.{'library_kernels' if library else 'kernels'}.{name}", str(kernels), found)
        elif old and not library and not any(kernels.run_on(item, compiler=False) for item in capabilities):
            yield judge(f"needs.ptx.{name}", str(kernels), f"{found}, driver {machine.driver}")


def _find_driver_obstacles(demand: Demand, machine: Fingerprint) -> Iterator[Finding]:
    driver = numbers(machine.driver)
    if not driver:
        return
    for needed, path in ((demand.least_driver, "needs.driver"), (demand.toolkit_driver, "needs.driver_minor")):
        if needed and driver < numbers(needed):
            if demand.needs.forward_compatible and not any(OTHER_GPUS.search(gpu.name) for gpu in machine.gpus):
                path = "needs.driver_forward"
            yield judge(path, f"{needed} or newer for CUDA {demand.cuda}", machine.driver)
            return


def numbers(version: str) -> tuple[int, ...]:
    """A version's numbers up to its first other character; nothing for a text that begins otherwise."""
    found = re.match(r"\d{1,9}(\.\d{1,9})*", version)
    return tuple(map(int, found[0].split("."))) if found else ()
