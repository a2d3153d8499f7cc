"""What an engine is asked and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Reason = Literal["finished", "deadline", "interrupted"]


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


@dataclass(frozen=True)
class Execution:
    """How a command ended: an exit status or a signal's name, and the seconds it took."""

    reason: Reason
    status: int | None
    signal: str | None
    wall_seconds: float


class Engine(Protocol):
    """Runs commands in unpacked images."""

    def execute(self, root: Path, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        """Run to the end; `on_output` hears standard output and error together, as they come."""
        ...
