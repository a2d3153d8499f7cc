"""What a sandbox needs to reach the GPUs of this machine: device nodes and the driver's libraries.

They come from the machine and never go into an image: a driver's libraries belong to its kernel module.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reprobuild.ground.errors import ToolError
from reprobuild.tools.cdi import HINT, Spec, links_of, read_cdi
from reprobuild.tools.process import Runner

GPU_NODE = re.compile(r"/dev/(nvidia[0-9]+|dxg)")
NODES = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "dxg")
LIBRARIES = re.compile(r"lib(cuda|cudadebugger|nvidia-[a-z0-9-]+|nvcuvid|nvoptix|dxcore)\.so(\.[0-9.]+)?")
"""https://download.nvidia.com/XFree86/Linux-x86_64/580.65.06/README/installedcomponents.html"""
CACHED = re.compile(r"^\t(\S+) \(([^)]*)\) => (\S+)$", re.MULTILINE)
LABELS = {"x86_64": "x86-64", "aarch64": "AArch64"}
"""How the linker's cache names an architecture (ldconfig(8))."""
NAME = re.compile(r"[A-Za-z0-9._+-]+")
RESERVED = ("LD_", "PYTHON", "REPROBUILD_")
"""Beginnings of variables that a device description does not set."""
NO_GPU = "a run without a GPU needs neither --gpu nor [run] gpu; reprobuild fingerprint shows what the driver tells"


@dataclass(frozen=True)
class GpuParts:
    """Device nodes by their place in a sandbox, libraries by file name, and variables."""

    devices: Mapping[str, Path]
    libraries: Mapping[str, Path]
    environment: Mapping[str, str]


def find_gpu(host: Path, runner: Runner) -> GpuParts:
    """By the device description (CDI) where there is one, else by what the driver installed; ToolError for no GPU.

    `host` is `/`, or a folder that stands for it.
    """
    found = read_cdi(host)
    parts = _described(found[1], host) if found else _installed(host, runner)
    where = str(found[0]) if found else "/dev/nvidia0 is not there"
    if not any(GPU_NODE.fullmatch(path) for path in parts.devices):
        problem = f"{where} describes none that is there" if found else where
        raise ToolError(f"GPU: this machine has no NVIDIA GPU to pass: {problem}", hint=HINT if found else NO_GPU)
    if "/dev/nvidia-uvm" not in parts.devices and "/dev/dxg" not in parts.devices:
        raise ToolError("GPU: /dev/nvidia-uvm is not there, and CUDA needs it", hint="sudo nvidia-modprobe -u -c=0")
    if "libcuda.so.1" not in parts.libraries:
        problem = f"{where} names no libcuda.so.1" if found else "the linker's cache names no libcuda.so.1"
        raise ToolError(f"GPU: {problem}", hint=HINT if found else "install the NVIDIA driver's CUDA library")
    return parts


def _described(spec: Spec, host: Path) -> GpuParts:
    devices: dict[str, Path] = {}
    libraries: dict[str, Path] = {}
    environment: dict[str, str] = {}
    for edits in spec.edits():
        for node in edits.deviceNodes:
            if ".." not in node.path.split("/"):
                devices[node.path] = _below(host, node.hostPath or node.path)
        for mount in edits.mounts:
            file = _below(host, mount.hostPath)
            name = mount.containerPath.rpartition("/")[2]
            if ".so" in name and NAME.fullmatch(name) and file.is_file():
                libraries |= {name: file, _soname(file) or name: file}
        pairs = (item.partition("=")[::2] for item in edits.env)
        environment |= {name: value for name, value in pairs if _is_harmless(name, value)}
    for edits in spec.edits():
        for name, target in links_of(edits):
            if target in libraries and NAME.fullmatch(name):
                libraries.setdefault(name, libraries[target])
    there = {place: node for place, node in devices.items() if node.exists()}
    return GpuParts(there, libraries, environment)


def _is_harmless(name: str, value: str) -> bool:
    return bool(NAME.fullmatch(name)) and not name.startswith(RESERVED) and "\0" not in value


def _soname(file: Path) -> str:
    from reprobuild.image.elf import read_soname

    with file.open("rb") as stream:
        name = read_soname(stream, file.stat().st_size)
    return name if NAME.fullmatch(name) else ""


def _installed(host: Path, runner: Runner) -> GpuParts:
    folder = host / "dev"
    gpus = sorted(path.name for path in folder.glob("nvidia[0-9]*")) if folder.is_dir() else []
    parts = sorted(f"nvidia-caps/{path.name}" for path in (folder / "nvidia-caps").glob("nvidia-cap[0-9]*"))
    devices = {f"/dev/{name}": folder / name for name in (*gpus, *NODES, *parts) if (folder / name).exists()}
    return GpuParts(devices, dict(installed_libraries(host, runner)) if devices else {}, {})


def installed_libraries(host: Path, runner: Runner) -> Iterator[tuple[str, Path]]:
    """The driver's libraries by the names under which the linker finds them (ldconfig(8))."""
    program = shutil.which("ldconfig", path="/sbin:/usr/sbin:/usr/bin") or "ldconfig"
    cache = _below(host, "etc/ld.so.cache")
    label = LABELS.get(os.uname().machine, os.uname().machine)
    for name, kind, path in CACHED.findall(runner([program, "-C", str(cache), "-p"], timeout=30).stdout):
        if LIBRARIES.fullmatch(name) and label in kind and (file := _below(host, path)).is_file():
            yield name, file


def _below(host: Path, path: str) -> Path:
    return host / path.lstrip("/")
