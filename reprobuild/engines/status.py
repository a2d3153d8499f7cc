"""How a sandboxed command ended, as bubblewrap tells it (bwrap(1), --json-status-fd)."""

import json
import signal
from dataclasses import dataclass

from reprobuild.ground.errors import InputError


class NoCommandError(InputError):
    """The command names a program that the image lacks or cannot start."""


@dataclass(frozen=True)
class Status:
    """`first` is the namespace's first process as this machine numbers it; `code` is None when nothing was started."""

    first: int | None
    code: int | None


def parse_status(text: bytes) -> Status:
    """bubblewrap's JSON lines; a last line that was cut off by its end is left out."""
    told: dict[str, object] = {}
    for line in text.splitlines(keepends=True):
        if line.endswith(b"\n"):
            told |= json.loads(line)
    first, code = told.get("child-pid"), told.get("exit-code")
    return Status(first if isinstance(first, int) else None, code if isinstance(code, int) else None)


def ending(code: int) -> tuple[int | None, str | None]:
    """Exit status, or the name of the signal: 128 + its number, as in shells, which `exit 137` looks like too."""
    number = code - 128
    if number in set(map(int, signal.Signals)):
        return None, signal.Signals(number).name
    return code, None
