"""A folder that stands for a machine with an NVIDIA GPU: nodes that are no devices, and a driver built by gcc."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from builders.compiled import build_library

from reprobuild.image.ldcache import render_cache

DRIVER = "570.86.15"
FOLDER = "usr/lib/x86_64-linux-gnu"
CUDA = (Path(__file__).parent / "cuda.c").read_text() + "int cuDriverGetVersion(int *v) { *v = 12080; return 0; }\n"
NODES = ("nvidia0", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools")


def make_gpu_host(host: Path, *, nodes: Sequence[str] = NODES, cuda: bool = True) -> Path:
    """The machine; its libraries are found through its own linker's cache."""
    for name in nodes:
        node = host / "dev" / name
        node.parent.mkdir(parents=True, exist_ok=True)
        node.write_text(f"the device {name}\n")
    libraries = {
        "libnvidia-ml.so.1": "int nvml;\n",
        "libnvidia-ptxjitcompiler.so.1": "int jit;\n",
        "libc.so.6": "int c;\n",
    }
    if cuda:
        libraries["libcuda.so.1"] = CUDA
    for soname, source in libraries.items():
        build_library(host / FOLDER, soname, source)
        (host / FOLDER / soname).rename(host / FOLDER / f"{soname.partition('.so')[0]}.so.{DRIVER}")
        (host / FOLDER / soname).symlink_to(f"{soname.partition('.so')[0]}.so.{DRIVER}")
    (host / "etc").mkdir(parents=True, exist_ok=True)
    (host / "etc/ld.so.cache").write_bytes(render_cache([(name, f"/{FOLDER}/{name}") for name in libraries]))
    return host


def library_mounts(*names: str) -> list[dict[str, Any]]:
    """Mounts of the driver's files, as `nvidia-ctk cdi generate` writes them."""
    paths = [f"/{FOLDER}/{name}.so.{DRIVER}" for name in names]
    return [{"hostPath": path, "containerPath": path, "options": ["ro", "nosuid", "nodev", "bind"]} for path in paths]


def make_spec(**changes: object) -> dict[str, Any]:
    """A description of one GPU, cut to what matters."""
    edits: Mapping[str, Any] = {
        "env": ["NVIDIA_VISIBLE_DEVICES=void", "LD_PRELOAD=/evil.so", "A=x\0--bind\0/", "=x"],
        "deviceNodes": [{"path": f"/dev/{name}"} for name in NODES[1:]],
        "hooks": [
            {
                "hookName": "createContainer",
                "path": "/usr/bin/nvidia-cdi-hook",
                "args": ["nvidia-cdi-hook", "create-symlinks", "--link", f"libcuda.so.{DRIVER}::/{FOLDER}/libcuda.so"],
            },
            {"hookName": "createContainer", "path": "/x", "args": ["x", "update-ldcache", "--folder", f"/{FOLDER}"]},
        ],
        "mounts": [
            *library_mounts("libcuda", "libnvidia-ml"),
            {"hostPath": "/usr/bin/nvidia-smi", "containerPath": "/usr/bin/nvidia-smi"},
        ],
    }
    gpu = {"deviceNodes": [{"path": "/dev/nvidia0"}]}
    devices = [{"name": "0", "containerEdits": gpu}, {"name": "all", "containerEdits": gpu}]
    spec = {"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": devices, "containerEdits": edits}
    return {**spec, **changes}


def write_spec(host: Path, spec: object, place: str = "etc/cdi/nvidia.json") -> Path:
    """A description where engines look for one."""
    path = host / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(spec if isinstance(spec, str) else json.dumps(spec))
    return path
