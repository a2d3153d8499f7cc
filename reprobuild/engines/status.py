"""How a command ended, as bubblewrap (bwrap(1), --json-status-fd) and the init of a container tell it."""

import json
import re
import signal
from dataclasses import dataclass

from reprobuild.ground.errors import InputError


class NoCommandError(InputError):
    """The command names a program that the image lacks or cannot start."""


NO_COMMAND_HINT = "python and python3 are there; other programs come with a package named in [image] debian"
_REFUSALS = (
    re.compile(r"\[FATAL tini \(\d+\)\] exec .* failed: (.+)"),
    re.compile(r"ERROR \(catatonit:\d+\): failed to exec pid1: (.+)"),
)
"""The only words of a container whose first process could not start the command."""


def no_command(program: str, reason: str) -> NoCommandError:
    """The error for a program that an image lacks."""
    return NoCommandError(f"{program}: the image cannot start it: {reason}", hint=NO_COMMAND_HINT)


def find_refusal(words: str) -> str | None:
    """Why a container's init could not start the command, when that is all that was said."""
    found = (pattern.fullmatch(words.strip()) for pattern in _REFUSALS)
    return next((match[1] for match in found if match), None)


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
