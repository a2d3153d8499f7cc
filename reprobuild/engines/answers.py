"""Asking a daemon through the `docker` SDK: every way in which it fails to answer is one line."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reprobuild.ground.errors import ToolError
from reprobuild.ground.text import shown
from reprobuild.hardware.fingerprint import EngineName

if TYPE_CHECKING:
    from docker import DockerClient

HINTS = {
    "docker": "start it (sudo systemctl start docker), name its socket in DOCKER_HOST, or use --engine sandbox",
    "podman": "start it (systemctl --user start podman.socket), name its socket in CONTAINER_HOST, "
    "or use --engine sandbox",
}


@dataclass(frozen=True)
class Daemon:
    """Where an engine listens, and how many seconds it may be silent."""

    name: EngineName
    socket: Path
    patience: float = 60
    """For an answer to anything but the loading of an image."""
    loading: float = 1800
    """For a sign of life while it unpacks what was sent: Podman gives none until the end."""

    @contextmanager
    def client(self, patience: float | None = None) -> Iterator["DockerClient"]:
        """A connected client; ToolError when nobody answers."""
        self._require()
        from docker import DockerClient

        with self.answering():
            seconds = patience or self.patience
            client = DockerClient(base_url=f"unix://{self.socket}", version="auto", timeout=seconds)
        try:
            yield client
        finally:
            client.close()

    def _require(self) -> None:
        """ToolError unless somebody listens."""
        try:
            with socket.socket(socket.AF_UNIX) as own:
                own.settimeout(self.patience)
                own.connect(str(self.socket))
        except PermissionError as error:
            group = "sudo usermod --append --groups docker $USER, and log in anew"
            hint = group if self.name == "docker" else HINTS[self.name]
            raise ToolError(f"{self.name}: {self.socket}: you may not use it", hint=hint) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise ToolError(f"{self.name}: {self.socket}: {reason}: no daemon", hint=HINTS[self.name]) from error

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Within it, what the SDK raises becomes one line."""
        from docker.errors import APIError, DockerException
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except APIError as error:
            raise self.error(str(error.explanation or error)) from error
        except (DockerException, RequestException, HTTPError, OSError) as error:
            raise self._silent(error) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self.error(f"its answer makes no sense ({type(error).__name__}: {error})") from error

    def error(self, problem: str, hint: str = "") -> ToolError:
        """One line about the engine; what it says itself is shortened."""
        return ToolError(f"{self.name}: {shown(' '.join(problem.split()))}", hint=hint)

    def _silent(self, error: BaseException) -> ToolError:
        chain = list(_causes(error))
        if any(isinstance(item, TimeoutError) or "timed out" in str(item) for item in chain):
            return self.error("no answer in time", hint=f"see what holds it up, or start it anew: {self.socket}")
        if any(isinstance(item, ConnectionError) or "IncompleteRead" in str(item) for item in chain):
            return self.error("it went away in the middle", hint="see its log; the disk that it writes to may be full")
        return self.error(f"its answer makes no sense ({chain[-1]})")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
