"""What a daemon is asked for a container: the sandbox's world in the words of Docker's API (ContainerCreate)."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from reprobuild.engines.engine import HOST_NAME, Container

ETC = Path(str(files("reprobuild") / "engines" / "etc"))
"""Files that a daemon would fill with this machine's names and name servers: a run knows its own name alone."""
HIDDEN = {f"/etc/{name}": ETC / name for name in ("hosts", "resolv.conf")}


def create_options(container: Container, machine: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the SDK's `containers.create` but image and name; `machine` is what `docker info` tells.

    Where a daemon itself runs as an ordinary user, that user is root inside (rootless mode).
    """
    from docker.types import DeviceRequest

    told = [str(item) for item in machine.get("SecurityOptions") or ()]
    rootless = any("rootless" in item for item in told)
    selinux = any("selinux" in item for item in told)
    memory = container.limits.memory or int(machine["MemTotal"])
    return {
        "entrypoint": [container.argv[0]],
        "command": list(container.argv[1:]),
        "environment": dict(container.environment),
        "use_config_proxy": False,  # a proxy of the user's own settings, perhaps with a password
        "working_dir": container.folder,
        "hostname": HOST_NAME,
        "user": "0:0" if rootless else f"{os.getuid()}:{os.getgid()}",
        "init": True,
        "network_mode": "none",
        "cap_drop": ["ALL"],
        # Where SELinux rules, folders of the store are read only without its labels, which we leave as they are.
        "security_opt": ["no-new-privileges", *(["label=disable"] if selinux else [])],
        "healthcheck": {"test": ["NONE"]},
        "log_config": {"Type": "none"},  # its output is followed as it comes, and kept nowhere else
        "pids_limit": container.limits.processes,
        "mem_limit": memory,
        "memswap_limit": memory,
        "read_only": True,
        "tmpfs": {
            "/tmp": f"exec,mode=1777,size={memory // 2}",  # noqa: S108  # inside the container
            "/run": "ro,mode=755,size=1m",
            "/data": "ro,mode=755,size=1m",
        },
        "shm_size": memory // 2,
        "mounts": _mounts(container),
        "device_requests": [DeviceRequest(count=-1, capabilities=[["gpu"]])] if container.gpu else None,
    }


def _mounts(container: Container) -> list[Any]:
    from docker.types import Mount

    read_only = {**HIDDEN, **container.read_only}
    binds = [(inside, path, True) for inside, path in read_only.items()]
    binds += [(inside, path, False) for inside, path in container.writable.items()]
    return [Mount(inside, str(path), type="bind", read_only=fixed) for inside, path, fixed in sorted(binds)]
