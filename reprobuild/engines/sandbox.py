"""bubblewrap: namespaces without a daemon, for root and for ordinary users (bwrap(1))."""

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reprobuild.engines.emulation import PATIENT, emulation_options, wrapper_text
from reprobuild.engines.engine import HOST_NAME, Container, Execution, Reason
from reprobuild.engines.options import HIDDEN
from reprobuild.engines.status import ending, no_command, parse_status
from reprobuild.ground.errors import ToolError
from reprobuild.hardware.fingerprint import EngineFacts
from reprobuild.image.model import Image
from reprobuild.image.oci import read_layer_type
from reprobuild.tools.gpu import GpuParts, find_gpu
from reprobuild.tools.process import run_process
from reprobuild.tools.progress import Progress
from reprobuild.tools.store import Store

INSTALL = "sudo apt-get install --yes bubblewrap"
DRIVER = "/run/reprobuild/driver"
"""Where the libraries of the GPU's driver are in a sandbox."""
LINKER_PATH = "LD_LIBRARY_PATH"
FIRST_WORDS = 500
"""Bytes of output kept to explain why nothing was started."""
_FORBIDDEN = (
    "No permissions to create",
    "setting up uid map",
    "Creating new namespace failed",
    "Permission denied",
    "Operation not permitted",
    "No space left on device",  # user.max_user_namespaces is reached, or 0
)


class Sandbox:
    """The engine that needs nothing but bubblewrap; `program` is its name or path, GPUs are those of `host`."""

    def __init__(self, program: str = "bwrap", host: Path = Path("/")) -> None:
        self.program, self.host = program, host

    def describe(self) -> EngineFacts:
        """See `Engine.describe`."""
        told = run_process([_find(self.program), "--version"], env={}, timeout=60).stdout.split()
        return EngineFacts(name="sandbox", version=told[-1][:100] if told else "")

    def load(self, image: Image, store: Store, progress: Progress) -> str:
        """See `Engine.load`: the image unpacked; its place is the path of that root."""
        from reprobuild.image.unpack import unpack_layers

        progress.begin("unpacking the image", sum(layer.unpacked_size for layer in image.layers))
        media_type = read_layer_type(store.blob(image.manifest).read_bytes())

        def unpack(path: Path) -> None:
            unpack_layers(image.layers, media_type, store.blob, path, progress.advance)

        return str(store.made_once("roots", image.image_id, unpack))

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        """See `Engine.execute`; ToolError when bubblewrap is missing or may make no namespaces."""
        started = time.monotonic()
        words = b""

        def listen(chunk: bytes) -> None:
            nonlocal words
            words += chunk[: FIRST_WORDS - len(words)]
            on_output(chunk)

        gpu = find_gpu(self.host, run_process) if container.gpu else None
        with _wrapper(Path(place), container) as wrapper:
            options = sandbox_options(place, container, gpu, wrapper)
            with _Process(_find(self.program), options, container.argv, wrapper) as process:
                reason = process.follow(listen, None if container.timeout is None else started + container.timeout)
        number = process.code if reason == "finished" else None
        if reason == "finished" and number is None:
            raise _not_started(words.decode(errors="replace"), container)
        status, name = (None, None) if number is None else ending(number)
        return Execution(reason, status, name, time.monotonic() - started)


def _find(program: str) -> str:
    if path := shutil.which(program):
        return path
    raise ToolError(f"{program}: not found: the sandbox needs bubblewrap", hint=INSTALL)


@contextmanager
def _wrapper(root: Path, container: Container) -> Iterator[int | None]:
    """A descriptor of what stands in the interpreter's place under emulation; None without."""
    if container.emulation is None:
        yield None
        return
    with tempfile.TemporaryFile() as text:
        text.write(wrapper_text(root, container, container.emulation))
        text.seek(0)
        yield text.fileno()


class _Process:
    """A started bubblewrap; once left, nothing of it runs any more, and `code` is None if its command never did.

    `given` is a descriptor that the options name.
    """

    def __init__(self, program: str, options: Iterator[str], argv: Sequence[str], given: int | None = None) -> None:
        self.code: int | None = None
        self._status = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        with tempfile.TemporaryFile() as words:
            # Options go through a file: everybody may read a command line, and these hold variables' values.
            words.write(b"".join(os.fsencode(word) + b"\0" for word in options))
            words.seek(0)
            told = ("--json-status-fd", str(self._status.fileno()))
            self._process = subprocess.Popen(
                [program, "--args", str(words.fileno()), *told, "--", *argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={},  # the first process inside is bubblewrap itself: /proc/1/environ would show this one's
                pass_fds=(words.fileno(), self._status.fileno(), *(() if given is None else (given,))),
                process_group=0,  # a terminal's Ctrl-C reaches this process, which then ends that one
            )

    def __enter__(self) -> "_Process":
        return self

    def follow(self, on_output: Callable[[bytes], None], deadline: float | None) -> Reason:
        """Hand on the output until the end, whichever it is."""
        assert self._process.stdout is not None
        try:
            for chunk in _chunks(self._process.stdout.fileno(), deadline):
                on_output(chunk)
            self._wait(deadline)
        except TimeoutError:
            return "deadline"
        except KeyboardInterrupt:
            return "interrupted"
        return "finished"

    def _wait(self, deadline: float | None) -> None:
        """A command may close its output long before it ends."""
        descriptor = os.pidfd_open(self._process.pid)
        try:
            if not select.select([descriptor], [], [], _left(deadline))[0]:
                raise TimeoutError
        finally:
            os.close(descriptor)

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # all inside are in one process namespace and die with it (--die-with-parent)
        assert self._process.stdout is not None
        self._process.stdout.close()
        own = self._process.wait()
        self._status.seek(0)
        told = parse_status(self._status.read())
        self._status.close()
        self.code = 128 - own if own < 0 else told.code  # bubblewrap itself may have been killed, for memory or by hand
        if told.first is not None:
            _await_end(told.first)


def _await_end(pid: int) -> None:
    """Return when the first process of a namespace is gone, which it is after all others (pid_namespaces(7))."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    select.select([descriptor], [], [])
    os.close(descriptor)


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _chunks(descriptor: int, deadline: float | None) -> Iterator[bytes]:
    """What comes until the last writer is gone; TimeoutError at the deadline."""
    while True:
        left = _left(deadline)
        if not select.select([descriptor], [], [], left)[0]:
            raise TimeoutError
        if not (chunk := os.read(descriptor, 1 << 16)):
            return
        yield chunk
        if left == 0:  # a flood of output does not outrun the deadline
            raise TimeoutError


def _not_started(words: str, container: Container) -> Exception:
    line = next((line for line in words.splitlines() if line.strip()), "bwrap: ended without a word")
    if "execvp" in line:
        return no_command(container.argv[0], line.rpartition(": ")[2])
    if any(words in line for words in _FORBIDDEN) and "bind" not in line:
        return ToolError(
            f"sandbox: this machine forbids namespaces ({line})",
            hint="run as root, or allow them: sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000",
        )
    return ToolError(f"sandbox: {line}")


def sandbox_options(
    root: str, container: Container, gpu: GpuParts | None = None, wrapper: int | None = None
) -> Iterator[str]:
    """bubblewrap's options: a read-only root, fresh /proc, /dev and /tmp, no network, only the given environment."""
    yield from ("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
    yield from ("--hostname", HOST_NAME, "--uid", "0", "--gid", "0", "--clearenv")
    for name, value in sorted(_environment(container, gpu).items()):
        yield from ("--setenv", name, value)
    yield from ("--ro-bind", root, "/", "--proc", "/proc", "--dev", "/dev")
    yield from ("--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", "/data")  # noqa: S108  # inside the sandbox
    # An image's own file may not know the name of the run, which torchrun and MPI look up to meet.
    names = {inside: path for inside, path in HIDDEN.items() if Path(f"{root}{inside}").is_file()}
    binds = [(inside, "--ro-bind", path) for inside, path in {**names, **container.read_only}.items()]
    binds += [(inside, "--bind", path) for inside, path in container.writable.items()]
    for inside, kind, path in sorted(binds):  # a folder is bound before what lies in it
        yield from (kind, str(path), inside)
    if container.emulation is not None and wrapper is not None:
        yield from emulation_options(Path(root), container, container.emulation, wrapper)
    yield from _gpu_options(gpu) if gpu else ()
    yield from ("--remount-ro", "/data", "--remount-ro", "/run", "--chdir", container.folder)


def _environment(container: Container, gpu: GpuParts | None) -> dict[str, str]:
    """The container's variables; with a GPU also its description's, and last for the linker the driver's folder."""
    if gpu is None:
        return {**(PATIENT if container.emulation else {}), **container.environment}
    folders = [folder for folder in (container.environment.get(LINKER_PATH, ""), DRIVER) if folder]
    return {**gpu.environment, **container.environment, LINKER_PATH: ":".join(folders)}


def _gpu_options(gpu: GpuParts) -> Iterator[str]:
    """Devices, the driver's libraries read-only, and /sys, where CUDA looks for the topology, as Docker shows it."""
    for place, node in sorted(gpu.devices.items()):
        yield from ("--dev-bind", str(node), place)
    for name, file in sorted(gpu.libraries.items()):
        yield from ("--ro-bind", str(file), f"{DRIVER}/{name}")
    yield from ("--ro-bind", "/sys", "/sys")
