"""Asking a daemon through the `docker` SDK: every way in which it fails to answer is one line."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
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


GROUP = "your user may not: sudo usermod --append --groups docker $USER, and log in anew"
_API = re.compile(r"\d+\.\d+")


@dataclass(frozen=True)
class Greeting:
    """The newest version of Docker's API that a daemon speaks, and its own version if it is Podman."""

    api: str
    podman: str | None


@dataclass(frozen=True)
class Daemon:
    """Where an engine listens, and how many seconds it may be silent."""

    name: EngineName
    path: Path
    """Of its socket."""
    patience: float = 60
    """For an answer to anything but the loading of an image."""
    loading: float = 1800
    """For a sign of life while it unpacks what was sent: Podman gives none until the end."""

    @contextmanager
    def client(self, patience: float | None = None) -> Iterator["DockerClient"]:
        """A connected client; ToolError when nobody answers."""
        version = self.greet().api
        from docker import DockerClient

        with self.answering():
            seconds = patience or self.patience
            client = DockerClient(base_url=f"unix://{self.path}", version=version, timeout=seconds)
        try:
            yield client
        finally:
            client.close()

    def greet(self) -> Greeting:
        """Ask who listens; ToolError when nobody does.

        Not by the SDK, which asks for everybody's versions: Podman takes a second for that.
        """
        with closing(HTTPConnection("localhost")) as connection:
            connection.sock = self._connect()
            with self.answering():
                connection.request("GET", "/_ping")
                with closing(connection.getresponse()) as answer:
                    api = answer.getheader("Api-Version", "")
                    if answer.status != HTTPStatus.OK or not _API.fullmatch(api):
                        raise self.error(f"{self.path}: it speaks no Docker (status {answer.status})", hint=self.hint)
                    return Greeting(api, answer.getheader("Libpod-Api-Version"))

    def attach(self, container: str) -> socket.socket:
        """The output of a container that has not started yet, as a stream of frames; the SDK would wait for ever."""
        place = f"/v{self.greet().api}/containers/{container}/attach?stream=1&stdout=1&stderr=1"
        with closing(HTTPConnection("localhost")) as connection, closing(self._connect()) as own, self.answering():
            connection.sock = own
            connection.request("POST", place, headers={"Connection": "Upgrade", "Upgrade": "tcp"})
            with closing(connection.getresponse()) as answer:
                if answer.status in (HTTPStatus.OK, HTTPStatus.SWITCHING_PROTOCOLS):
                    return own.dup()
        raise self.error(f"its answer makes no sense (status {answer.status} where its output begins)")

    def _connect(self) -> socket.socket:
        own = socket.socket(socket.AF_UNIX)
        try:
            own.settimeout(self.patience)
            own.connect(str(self.path))
        except OSError as error:
            own.close()
            problem = f"{self.name}: {self.path}: {error.strerror or error}"
            if isinstance(error, PermissionError) and self.name == "docker":
                raise ToolError(problem, hint=GROUP) from error
            raise ToolError(problem, hint=self.hint) from error
        return own

    @property
    def hint(self) -> str:
        """What to do when it is not there."""
        return HINTS[self.name]

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
        except (DockerException, RequestException, HTTPError, HTTPException, OSError) as error:
            raise self._silent(error) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self.error(f"its answer makes no sense ({type(error).__name__}: {error})") from error

    def error(self, problem: str, hint: str = "") -> ToolError:
        """One line about the engine; what it says itself is shortened."""
        return ToolError(f"{self.name}: {shown(' '.join(problem.split()))}", hint=hint)

    def _silent(self, error: BaseException) -> ToolError:
        chain = list(_causes(error))
        if any(isinstance(item, TimeoutError) or "timed out" in str(item) for item in chain):
            return self.error("no answer in time", hint=f"see what holds it up, or start it anew: {self.path}")
        if any(isinstance(item, ConnectionError) or "IncompleteRead" in str(item) for item in chain):
            return self.error("it went away in the middle", hint="see its log; the disk that it writes to may be full")
        return self.error(f"its answer makes no sense ({chain[-1]})")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
