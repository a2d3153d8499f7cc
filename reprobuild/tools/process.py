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
    return _run(argv, b"", env, cwd, timeout)


def ask_process(argv: Sequence[str], question: str, *, timeout: float = 60) -> Finished:
    """The same for a program that reads from standard input what it is asked."""
    return _run(argv, question.encode(), None, None, timeout)


def _run(
    argv: Sequence[str], given: bytes, env: Mapping[str, str] | None, cwd: Path | None, timeout: float
) -> Finished:
    try:
        done = subprocess.run(
            list(argv), env=env, cwd=cwd, timeout=timeout, input=given, capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise ToolError(f"{argv[0]}: not found", hint=f"install {argv[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{argv[0]}: no answer within {timeout:g} s") from error
    return Finished(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
