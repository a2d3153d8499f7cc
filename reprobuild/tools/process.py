"""The process runner: the one door through which other programs are started and waited for."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reprobuild.ground.errors import ToolError


@dataclass(frozen=True)
class Finished:
    """What a program left behind."""

    status: int
    stdout: str
    stderr: str


class Runner(Protocol):
    """Runs a program to its end and returns what it left; ToolError when it is missing or too slow."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 600,
    ) -> Finished:
        """See `run_process`."""
        ...


def run_process(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 600,
) -> Finished:
    """The real runner: no standard input, both outputs captured as UTF-8, at most `timeout` seconds."""
    try:
        done = subprocess.run(
            list(argv), env=env, cwd=cwd, timeout=timeout, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise ToolError(f"{argv[0]}: not found", hint=f"install {argv[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{argv[0]}: no answer within {timeout:g} s") from error
    return Finished(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
