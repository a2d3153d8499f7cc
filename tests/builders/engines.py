"""The three engines, real ones, with this machine's programs in their containers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builders.dockerd import running_dockerd
from builders.host import HostDocker, HostSandbox
from builders.podman import running_podman

from reprobuild.engines.answers import Daemon
from reprobuild.engines.engine import Engine

NAMES = ("sandbox", "docker", "podman")


@contextmanager
def running_engines(folder: Path) -> Iterator[dict[str, Engine]]:
    """Each by its name; daemons live in the new `folder` and end with it."""
    with running_dockerd(folder) as docker, running_podman() as podman:
        yield {
            "sandbox": HostSandbox(),
            "docker": HostDocker(Daemon("docker", docker.socket)),
            "podman": HostDocker(Daemon("podman", podman)),
        }
