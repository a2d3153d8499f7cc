"""A library's battery in a process of its own, so that what kills that process costs one operation.

The child is forked before anything is imported. It tells through a pipe, a line for each thing: which case begins, what
came of it, how long things took. One that died is started again behind the case that killed it.
"""

import json
import os
import signal
import sys
import time
from typing import Any, Callable, Dict, Iterator, Set

from .battery import Case, attempt, failure

PATIENCE = 120
"""Seconds that one case may take, emulated too; the usual is a few milliseconds."""
MAX_STARTS = 4
"""Times that a library is started before the rest of it is given up."""
Battery = Callable[["Teller"], Iterator[Case]]
"""Imports a library, tells its versions, and names its cases."""


class Teller:
    """The child's end of the pipe."""

    def __init__(self, descriptor: int) -> None:
        self.stream = os.fdopen(descriptor, "w")
        self.last = time.monotonic()

    def tell(self, kind: str, name: str, value: Any) -> None:
        """One line, there when this returns."""
        self.stream.write(json.dumps([kind, name, value]) + "\n")
        self.stream.flush()

    def elapsed(self, name: str) -> None:
        """The seconds since the last time that this was asked."""
        now = time.monotonic()
        self.tell("seconds", name, now - self.last)
        self.last = now


class Told:
    """What the children told."""

    def __init__(self) -> None:
        self.versions: Dict[str, str] = {}
        self.operations: Dict[str, Any] = {}
        self.seconds: Dict[str, float] = {}
        self.problems: Dict[str, str] = {}
        self.begun = ""

    def hear(self, line: str) -> None:
        """Take one line; of what is told twice the last counts, but seconds, which add up."""
        kind, name, value = json.loads(line)
        if kind == "begin":
            self.begun = name
        elif kind == "operation":
            self.operations[name] = value
            self.begun = ""
        elif kind == "seconds":
            self.seconds[name] = self.seconds.get(name, 0.0) + value
        elif kind == "version":
            self.versions[name] = value
        else:
            self.problems[name] = value


def run_apart(library: str, battery: Battery, told: Told) -> None:
    """Run one library's battery in a child, again after each case that kills it."""
    for _ in range(MAX_STARTS):
        before = set(told.operations)
        status = _run_child(battery, told, before)
        if status == 0:
            return
        cause = _cause(status)
        if not told.begun:
            told.problems[library] = "its process %s" % cause
            return
        told.operations[told.begun] = failure("the process %s" % cause)
        told.begun = ""
    told.problems[library] = "given up after %d processes that died" % MAX_STARTS


def _run_child(battery: Battery, told: Told, done: Set[str]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_child(battery, writing, done)
    os.close(writing)
    try:
        with os.fdopen(reading) as stream:
            for line in stream:
                if line.endswith("\n"):
                    told.hear(line)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        status = os.waitpid(pid, 0)[1]
    return status


def _be_child(battery: Battery, descriptor: int, done: Set[str]) -> None:
    """Never returns; what a library writes goes to standard error, since standard output is for the document."""
    status = 1
    try:
        os.dup2(2, 1)
        teller = Teller(descriptor)
        for case in battery(teller):
            if case.name in done:
                continue
            teller.tell("begin", case.name, None)
            signal.alarm(PATIENCE)
            result = attempt(case.run)
            signal.alarm(0)
            teller.tell("operation", case.name, result)
        status = 0
    except BaseException as error:
        sys.stderr.write("reprobuild_probe: %s: %s\n" % (type(error).__name__, error))
    finally:
        os._exit(status)


def _cause(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGALRM:
            return "took longer than %d s" % PATIENCE
        return "was killed by %s" % signal.Signals(number).name
    return "ended with status %d" % os.WEXITSTATUS(status)
