"""What an engine is asked and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from reprobuild.hardware.fingerprint import EngineFacts
from reprobuild.image.model import Image
from reprobuild.tools.progress import Progress
from reprobuild.tools.store import Store

HOST_NAME = "reprobuild"
"""Of every run, whatever runs it."""
ONLY_SANDBOX = "--engine sandbox can"
Reason = Literal["finished", "deadline", "interrupted"]


@dataclass(frozen=True)
class Limits:
    """What a container may take of this machine; the sandbox has no limit of memory and processes."""

    memory: int | None = None
    """Bytes; None: all that the machine has."""
    processes: int = 8192
    """Processes and threads together."""


@dataclass(frozen=True)
class Emulation:
    """Another CPU than this machine's, by qemu's user emulation; only the sandbox can."""

    cpu: str
    """As qemu names it, e.g. `Haswell`."""
    qemu: Path
    """A static qemu-x86_64 of this machine."""
    interpreter: str
    """The image's Python, which is what runs on that CPU: its absolute path inside."""
    version: str = ""
    """Of qemu, as it tells itself."""


@dataclass(frozen=True)
class Container:
    """One command in an image: everything it sees. Binds map absolute paths inside to paths on this machine."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    read_only: Mapping[str, Path] = field(default_factory=dict)
    writable: Mapping[str, Path] = field(default_factory=dict)
    timeout: float | None = None
    """Seconds, then everything in it is killed."""
    gpu: bool = False
    limits: Limits = Limits()
    emulation: Emulation | None = None
    """None: this machine's own CPU."""


@dataclass(frozen=True)
class Execution:
    """How a command ended: an exit status or a signal's name, and the seconds it took."""

    reason: Reason
    status: int | None
    signal: str | None
    wall_seconds: float
    out_of_memory: bool = False
    """True when the kernel killed a process of it for memory."""


class Engine(Protocol):
    """Takes images from the store and runs commands in them."""

    def describe(self) -> EngineFacts:
        """What a record tells of it."""
        ...

    def load(self, image: Image, store: Store, progress: Progress) -> str:
        """Make the image ready to run, once per machine; what comes back is its place, as `execute` takes it."""
        ...

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        """Run to the end; `on_output` hears standard output and error together, as they come."""
        ...
