"""A Docker daemon of one's own: its socket, images and processes live below one folder and end with it."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTS = 60
"""Seconds until a daemon that does not answer counts as broken."""


@dataclass(frozen=True)
class Docker:
    """A client of one daemon and of no other."""

    socket: Path
    environment: dict[str, str]

    def argv(self, *words: str) -> list[str]:
        """The command line of `docker` with these words."""
        program = shutil.which("docker", path=self.environment["PATH"]) or "docker"
        return [program, "--host", f"unix://{self.socket}", *words]

    def run(self, *words: str, timeout: float = 600) -> str:
        """What `docker` prints; AssertionError with its complaint when it fails."""
        done = subprocess.run(
            self.argv(*words), env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, (words, done.returncode, done.stderr)
        return done.stdout


def dockerd_argv(folder: Path, socket: Path, storage: str) -> list[str]:
    """A daemon without a network of its own; state below `folder`, sockets (also its containerd's) beside `socket`."""
    places = {"data-root": folder / "data", "exec-root": socket.parent / "exec", "pidfile": folder / "dockerd.pid"}
    return [
        find_dockerd(),
        f"--host=unix://{socket}",
        *(f"--{option}={place}" for option, place in places.items()),
        "--bridge=none",
        "--iptables=false",
        f"--storage-driver={storage}",
        f"--config-file={folder / 'daemon.json'}",
    ]


def find_dockerd() -> str:
    """The daemon's program, which lies where an ordinary user's PATH does not lead."""
    found = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert found, "dockerd is not installed"
    return found


@contextmanager
def running_dockerd(folder: Path, *, storage: str = "vfs", options: Sequence[str] = ()) -> Iterator[Docker]:
    """A daemon that answers, started in the new `folder` as root, and ended with everything that it started."""
    folder.mkdir(parents=True)
    # The path of a Unix socket has at most 107 bytes (unix(7)); a test's own folder may be deeper.
    with tempfile.TemporaryDirectory(prefix="dockerd-") as near, (folder / "dockerd.log").open("wb") as log:
        socket = Path(near) / "docker.sock"
        (folder / "home").mkdir()
        (folder / "daemon.json").write_text("{}")  # this machine's own settings are another daemon's
        environment = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "HOME": str(folder / "home")}
        daemon = subprocess.Popen(
            [*dockerd_argv(folder, socket, storage), *options],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        docker = Docker(socket, environment)
        try:
            _wait(docker, daemon, folder / "dockerd.log")
            yield docker
        finally:
            _end(daemon)
            _unmount(folder)


def _wait(docker: Docker, daemon: "subprocess.Popen[bytes]", log: Path) -> None:
    last = time.monotonic() + STARTS
    while subprocess.run(docker.argv("version"), env=docker.environment, capture_output=True, check=False).returncode:
        assert daemon.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < last, log.read_text()[-2000:]
        time.sleep(0.2)


def _end(daemon: "subprocess.Popen[bytes]") -> None:
    """SIGTERM, upon which dockerd ends its containerd too; then whatever is left of its own session."""
    daemon.terminate()
    try:
        daemon.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait(30)


def _unmount(folder: Path) -> None:
    """Undo the mounts that a daemon leaves at its data root."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in sorted((place for place in mounts if Path(place).is_relative_to(folder)), reverse=True):
        subprocess.run(["umount", place], check=True)
