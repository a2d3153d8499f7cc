"""Docker and Podman, both through Docker's API: a run sees in them what it sees in the sandbox."""

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from socket import socket
from typing import TYPE_CHECKING, Any

from reprobuild.engines.answers import Daemon
from reprobuild.engines.engine import ONLY_SANDBOX, Container, Execution
from reprobuild.engines.follow import StreamError, incoming, payloads
from reprobuild.engines.loaded import find_strange, names_of
from reprobuild.engines.options import create_options
from reprobuild.engines.status import ending, find_refusal, no_command
from reprobuild.ground.digests import short
from reprobuild.ground.errors import ToolError, UsageError
from reprobuild.ground.interrupts import uninterrupted
from reprobuild.ground.parallel import ahead
from reprobuild.hardware.fingerprint import EngineFacts
from reprobuild.image.archive import Archive, describe_archive
from reprobuild.image.model import Image
from reprobuild.tools.progress import Progress
from reprobuild.tools.store import Store

if TYPE_CHECKING:
    from docker import DockerClient

AHEAD = 8
"""Mebibytes that are unpacked while the daemon takes others."""
FIRST_WORDS = 500
"""Bytes of output kept to see whether the command was started."""
_LOADED = re.compile(r"Loaded image(?: ID)?: (.+)")
STRANGE = "what it calls by that name is another image: remove it there, and ask who put it there"
ENDED = ("exited", "dead", "stopped")


class Docker:
    """The engine behind a daemon's socket."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._machine: Mapping[str, Any] = {}

    def describe(self) -> EngineFacts:
        """See `Engine.describe`; a Podman that answers on Docker's socket is called by its name."""
        if podman := self.daemon.greet().podman:
            return EngineFacts(name="podman", version=podman)
        with self.daemon.client() as client, self.daemon.answering():
            return EngineFacts(name="docker", version=str(client.version()["Version"]))

    def load(self, image: Image, store: Store, progress: Progress) -> str:
        """See `Engine.load`: the image's ID there, once its layers and configuration were compared with ours."""
        sent = describe_archive(image, store.blob)
        with store.locked(f"{self.daemon.name}-{image.image_id}"):
            if place := self._find(sent, names_of(sent)):
                return place
            progress.begin(f"loading the image into {self.daemon.name}", sent.size)
            said = self._send(sent, progress)
            if place := self._find(sent, said):
                return place
        raise self.daemon.error(f"image {short(image.image_id)}: not to be found after it was loaded")

    def _find(self, sent: Archive, names: Sequence[str]) -> str | None:
        """The ID of the image that has one of these names there; ToolError when that image is not the one sent."""
        from docker.errors import ImageNotFound

        with self.daemon.client() as client:
            for name in names:
                with self.daemon.answering(), suppress(ImageNotFound):
                    told = client.api.inspect_image(name)
                    if strange := find_strange(told, sent):
                        raise self.daemon.error(f"image {short(sent.image.image_id)}: {strange}", hint=STRANGE)
                    return str(told["Id"])
        return None

    def _send(self, sent: Archive, progress: Progress) -> list[str]:
        """Load the image, and return what the engine says that it calls it."""

        def stream() -> Iterator[bytes]:
            for chunk in ahead(sent.chunks(), AHEAD):
                yield chunk
                progress.advance(len(chunk))

        said = []
        with self.daemon.client(self.daemon.loading) as client, self.daemon.answering():
            for line in client.api.load_image(stream()):
                if problem := line.get("error") or line.get("message"):
                    raise self.daemon.error(f"it did not load the image: {problem}")
                if found := _LOADED.match(line.get("stream", "")):
                    said.append(found[1].strip())
        return said

    def tag(self, place: str, image: Image, project: str) -> str:
        """Give a loaded image the name `project:short-ID`, and return it.

        A repository has lower-case letters, digits and single separators (distribution/reference, grammar).
        """
        repository, tag = re.sub(r"[^a-z0-9]+", "-", project.lower()).strip("-"), short(image.image_id)
        with self.daemon.client() as client, self.daemon.answering():
            client.api.tag(place, repository, tag, force=True)
        return f"{repository}:{tag}"

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        """See `Engine.execute`; the container is gone afterwards, however it ended."""
        if container.emulation is not None:
            raise UsageError(f"--emulate: {self.daemon.name} cannot emulate a CPU", hint=ONLY_SANDBOX)
        words = b""

        def listen(chunk: bytes) -> None:
            nonlocal words
            words += chunk[: FIRST_WORDS - len(words)]
            on_output(chunk)

        begun = time.monotonic()
        with self.daemon.client() as client, self._removing() as name:
            try:
                with _Run(self.daemon, client, name) as run:
                    run.create(place, container, self._ask_machine(client))
                    begun = time.monotonic()
                    state = run.follow(listen, None if container.timeout is None else begun + container.timeout)
            except TimeoutError:
                return Execution("deadline", None, None, time.monotonic() - begun)
            except KeyboardInterrupt:
                return Execution("interrupted", None, None, time.monotonic() - begun)
        status, signal = ending(state.code)
        if status in (126, 127) and (reason := find_refusal(words.decode(errors="replace"))):
            raise no_command(container.argv[0], reason)
        return Execution("finished", status, signal, time.monotonic() - begun, state.out_of_memory)

    def _ask_machine(self, client: "DockerClient") -> Mapping[str, Any]:
        """What `docker info` tells, asked once."""
        if not self._machine:
            with self.daemon.answering():
                self._machine = client.info()
        return self._machine

    @contextmanager
    def _removing(self) -> Iterator[str]:
        """A name for a container, which is gone afterwards; a daemon in trouble is given little time for that."""
        name = f"reprobuild-{secrets.token_hex(8)}"
        try:
            yield name
        except ToolError as error:
            try:
                self._remove(name, patience=min(5, self.daemon.patience))
            except ToolError as left:
                error.hint = left.hint
            raise
        except BaseException:
            self._remove(name)
            raise
        self._remove(name)

    def _remove(self, name: str, patience: float | None = None) -> None:
        from docker.errors import NotFound

        try:
            with self.daemon.client(patience) as client, self.daemon.answering(), suppress(NotFound), uninterrupted():
                client.api.remove_container(name, force=True, v=True)
        except ToolError as error:
            left = f"its container may be left: {self.daemon.name} rm --force {name}"
            error.hint = f"{error.hint}; {left}" if error.hint else left
            raise


@dataclass(frozen=True)
class _State:
    code: int
    out_of_memory: bool


class _Run:
    """One container, from its creation to its end."""

    def __init__(self, daemon: Daemon, client: "DockerClient", name: str) -> None:
        self.daemon, self.client, self.name = daemon, client, name
        self._output: socket | None = None

    def __enter__(self) -> "_Run":
        return self

    def __exit__(self, *_: object) -> None:
        if self._output is not None:
            self._output.close()

    def create(self, place: str, container: Container, machine: Mapping[str, Any]) -> None:
        """Make it, listen to it, and start it."""
        with self.daemon.answering():
            options = create_options(container, machine)
            with uninterrupted():  # a daemon goes on with what it was asked
                made = self.client.containers.create(place, name=self.name, **options)
            if made.attrs["Image"] != place:
                raise self.daemon.error(f"it made a container of image {short(made.attrs['Image'])}")
            if container.gpu and not made.attrs["HostConfig"].get("DeviceRequests"):
                raise self.daemon.error("it takes no request for GPUs", hint="use --engine docker or sandbox")
            self._output = self.daemon.attach(self.name)  # before it starts, so that no word is lost
            made.start()

    def follow(self, listen: Callable[[bytes], None], deadline: float | None) -> _State:
        """Hand on its output until it has ended; TimeoutError at the deadline."""
        assert self._output is not None
        output = incoming(self._output.fileno(), deadline, self.daemon.patience, self._ask)
        try:
            for chunk in payloads(output):
                listen(chunk)
        except StreamError as error:
            raise self.daemon.error(f"its output broke off: {error}") from error
        pause = 0.002
        while not (state := self._state()):  # a command may close its output long before it ends
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError
            time.sleep(pause)
            pause = min(2 * pause, 0.5)
        return state

    def _ask(self) -> None:
        with self.daemon.answering():
            self.client.ping()

    def _state(self) -> _State | None:
        with self.daemon.answering():
            told = self.client.api.inspect_container(self.name)["State"]
            if told["Running"] or told["Status"] not in ENDED:
                return None
            return _State(int(told["ExitCode"]), bool(told["OOMKilled"]))
