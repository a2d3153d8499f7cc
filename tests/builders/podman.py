"""A Podman service of one's own: its socket, images and containers live below one folder and end with it."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builders.dockerd import STARTS

# What podman-system-service(1) needs where there is no systemd and limits are those of a container (docs/design.md).
SETTINGS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
init_path = "{init}"
"""


@contextmanager
def running_podman() -> Iterator[Path]:
    """The socket of a service that answers, as root, with vfs storage; its paths are short, as `--runroot` wants."""
    with tempfile.TemporaryDirectory(prefix="podman-", dir="/tmp") as name:
        folder = Path(name)
        socket = folder / "podman.sock"
        places = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--tmpdir", str(folder / "tmp")]
        path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        # Debian's docker.io brings an init, Podman only recommends its own.
        (folder / "containers.conf").write_text(SETTINGS.format(init=shutil.which("docker-init", path=path)))
        environment = {
            "PATH": path,
            "HOME": name,
            "XDG_RUNTIME_DIR": name,
            "TMPDIR": name,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
        }
        with (folder / "podman.log").open("wb") as log:
            service = subprocess.Popen(
                ["podman", *places, "--storage-driver", "vfs", "system", "service", "--time", "0", f"unix://{socket}"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )
            try:
                _wait(service, socket, folder / "podman.log")
                yield socket
            finally:
                service.terminate()
                service.wait(30)


def _wait(service: "subprocess.Popen[bytes]", socket: Path, log: Path) -> None:
    last = time.monotonic() + STARTS
    while not socket.exists():
        assert service.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < last, log.read_text()[-2000:]
        time.sleep(0.05)
