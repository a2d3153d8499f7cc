"""bubblewrap: namespaces without a daemon, for root and for ordinary users (bwrap(1))."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from reprobuild.engines.engine import Container, Execution, Reason
from reprobuild.ground.errors import ToolError

INSTALL = "sudo apt-get install --yes bubblewrap"
HOST_NAME = "reprobuild"
NOT_STARTED = "bwrap: "
_FORBIDDEN = ("No permissions to create", "setting up uid map", "Creating new namespace failed", "Permission denied")


class Sandbox:
    """The engine that needs nothing but bubblewrap; `program` is its name or path."""

    def __init__(self, program: str = "bwrap") -> None:
        self.program = program

    def execute(self, root: Path, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        """See `Engine.execute`; ToolError when bubblewrap is missing or may make no namespaces."""
        started = time.monotonic()
        try:
            process = subprocess.Popen(
                list(sandbox_argv(self.program, root, container)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except FileNotFoundError as error:
            raise ToolError(f"{self.program}: not found: the sandbox needs bubblewrap", hint=INSTALL) from error
        assert process.stdout is not None
        reason: Reason = "interrupted"
        first = b""
        try:
            for chunk in _chunks(process.stdout.fileno(), started, container.timeout):
                first = first or chunk[:500]
                on_output(chunk)
            reason = "finished"
        except TimeoutError:
            reason = "deadline"
        except KeyboardInterrupt:
            reason = "interrupted"
        finally:
            if reason != "finished":
                process.kill()  # all inside are in one process namespace and die with it (--die-with-parent)
            process.stdout.close()
            # wait4 alone tells the peak memory; Popen must then be told that its child is gone.
            _, raw, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(raw)
        status, name = _ending(process.returncode)
        if status == 1 and first.startswith(NOT_STARTED.encode()):
            raise _not_started(first.decode(errors="replace").splitlines()[0])
        return Execution(reason, status, name, time.monotonic() - started, usage.ru_maxrss * 1024)


def _chunks(descriptor: int, started: float, timeout: float | None) -> Iterator[bytes]:
    """What comes until the last writer is gone; TimeoutError at the deadline."""
    while True:
        left = None if timeout is None else max(0.0, started + timeout - time.monotonic())
        if not select.select([descriptor], [], [], left)[0]:
            raise TimeoutError
        if not (chunk := os.read(descriptor, 1 << 16)):
            return
        yield chunk
        if left == 0:  # a flood of output does not outrun the deadline
            raise TimeoutError


def _ending(returncode: int) -> tuple[int | None, str | None]:
    """Exit status or signal; bubblewrap passes a signal of its child on as 128 + its number, as shells do."""
    number = -returncode if returncode < 0 else returncode - 128
    if number in set(map(int, signal.Signals)):
        return None, signal.Signals(number).name
    return returncode, None


def _not_started(line: str) -> ToolError:
    if any(words in line for words in _FORBIDDEN):
        return ToolError(
            f"sandbox: this machine forbids namespaces ({line})",
            hint="run as root, or allow them: sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000",
        )
    return ToolError(f"sandbox: {line}")


def sandbox_argv(program: str, root: Path, container: Container) -> Iterator[str]:
    """The command line: a read-only root, fresh /proc, /dev and /tmp, no network, only the given environment."""
    yield from (program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
    yield from ("--hostname", HOST_NAME, "--uid", "0", "--gid", "0", "--clearenv")
    for name, value in sorted(container.environment.items()):
        yield from ("--setenv", name, value)
    yield from ("--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev")
    yield from ("--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", "/data")  # noqa: S108  # inside the sandbox
    binds = [(inside, "--ro-bind", path) for inside, path in container.read_only.items()]
    binds += [(inside, "--bind", path) for inside, path in container.writable.items()]
    for inside, kind, path in sorted(binds):  # a folder is bound before what lies in it
        yield from (kind, str(path), inside)
    yield from ("--remount-ro", "/data", "--remount-ro", "/run", "--chdir", container.folder, "--", *container.argv)
