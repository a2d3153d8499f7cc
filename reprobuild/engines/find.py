"""Which engine runs an image, and where its daemon listens."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprobuild.engines.answers import Daemon
from reprobuild.engines.engine import Engine
from reprobuild.ground.errors import UsageError
from reprobuild.hardware.fingerprint import EngineName

if TYPE_CHECKING:
    from reprobuild.engines.docker import Docker

UNIX = "unix://"


def default_engine(platform: str) -> EngineName:
    """The engine of a machine that `sys.platform` names so: bubblewrap needs Linux."""
    return "docker" if platform == "darwin" else "sandbox"


def open_engine(name: EngineName, environment: Mapping[str, str]) -> Engine:
    """The engine of that name; nobody is asked yet."""
    if name == "sandbox":
        from reprobuild.engines.sandbox import Sandbox

        return Sandbox()
    return open_docker(name, environment)


def open_docker(name: EngineName, environment: Mapping[str, str]) -> "Docker":
    """Docker, or Podman, where the user's environment says that it listens."""
    from reprobuild.engines.docker import Docker

    return Docker(Daemon(name, find_socket(name, environment)))


def find_socket(name: EngineName, environment: Mapping[str, str]) -> Path:
    """The daemon's socket: a run mounts folders of this machine, so a daemon elsewhere is a UsageError."""
    variable = "DOCKER_HOST" if name == "docker" else "CONTAINER_HOST"
    host = environment.get(variable) or (_docker_host(environment) if name == "docker" else _podman_host(environment))
    if not host.startswith(UNIX):
        raise UsageError(
            f"{name}: {host.partition('://')[0]}://…: not a socket of this machine",
            hint=f"a run mounts folders, so its engine must be here: {variable}=unix:///path/of/the.sock",
        )
    return Path(host.removeprefix(UNIX))


def _docker_host(environment: Mapping[str, str]) -> str:
    """Of the context in use, as the `docker` command chooses it (docker context use)."""
    from docker.context import ContextAPI

    found: dict[str, Any] = ContextAPI.kwargs_from_context(environment=dict(environment))
    return str(found.get("base_url") or "unix:///var/run/docker.sock").replace("http+unix://", UNIX)


def _podman_host(environment: Mapping[str, str]) -> str:
    """Of the user's own service where there is one (podman-system-service(1))."""
    own = Path(environment.get("XDG_RUNTIME_DIR") or "/nowhere") / "podman" / "podman.sock"
    return f"{UNIX}{own if own.exists() else '/run/podman/podman.sock'}"
