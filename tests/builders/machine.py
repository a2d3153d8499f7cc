"""What this machine can do, as tests ask for it by their marks."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

from reprobuild.ground.errors import ReprobuildError
from reprobuild.tools.pip import read_pip_sources
from reprobuild.tools.process import run_process
from reprobuild.tools.qemu import find_qemu

ENGINES = ("skopeo", "podman", "umoci", "dockerd", "runc", "docker-registry")
SANDBOX = ["bwrap", "--ro-bind", "/", "/", "--unshare-all", "--", "true"]
PORTS = {"http": 80, "https": 443}


def lacks_sandbox() -> str:
    """Why no sandbox can run, or nothing."""
    if not shutil.which("bwrap"):
        return "bwrap is not installed"
    done = subprocess.run(SANDBOX, capture_output=True, text=True, check=False)
    return f"namespaces are forbidden: {done.stderr.strip()}" if done.returncode else ""


def lacks_engine() -> str:
    """Which engine's program is not here, or nothing."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in ENGINES if not shutil.which(name, path=path)]
    return f"not installed: {' '.join(missing)}" if missing else lacks_root()


def lacks_root() -> str:
    """Why mounts and daemons are out of reach, or nothing."""
    return "" if os.geteuid() == 0 else "it needs root"


def lacks_network() -> str:
    """Why pip's first source cannot be reached, or nothing."""
    try:
        sources = read_pip_sources(run_process)
        for place in sources.indexes[:1]:
            url = urlsplit(place)
            socket.create_connection((url.hostname or "", url.port or PORTS[url.scheme]), timeout=10).close()
    except (OSError, ReprobuildError) as error:
        return f"no network: {error}"
    return ""


def lacks_compiler() -> str:
    """Why no library can be built, or nothing."""
    return "" if shutil.which("gcc") else "gcc is not installed"


def lacks_emulation() -> str:
    """Why no other CPU can be emulated, or nothing."""
    try:
        find_qemu(os.uname().machine)
    except ReprobuildError as error:
        return str(error)
    return ""


CHECKS: dict[str, Callable[[], str]] = {
    "sandbox": cache(lacks_sandbox),
    "engine": cache(lacks_engine),
    "root": cache(lacks_root),
    "network": cache(lacks_network),
    "compiler": cache(lacks_compiler),
    "emulation": cache(lacks_emulation),
}
"""Mark to the reason why its tests cannot run here, empty when they can."""
