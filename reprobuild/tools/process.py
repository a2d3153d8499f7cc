"""The process runner: the one door through which other programs are started and waited for."""

import os
import signal
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
    pipe = subprocess.PIPE
    try:
        # A group of its own, so that what the program starts ends with it: conda-lock starts a solver.
        with subprocess.Popen(
            list(argv), env=env, cwd=cwd, stdin=pipe, stdout=pipe, stderr=pipe, process_group=0
        ) as process:
            try:
                stdout, stderr = process.communicate(given, timeout)
            except BaseException:  # a deadline, Ctrl-C
                os.killpg(process.pid, signal.SIGKILL)
                raise
    except FileNotFoundError as error:
        raise ToolError(f"{argv[0]}: not found", hint=f"install {argv[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{argv[0]}: no answer within {timeout:g} s") from error
    return Finished(process.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace"))
