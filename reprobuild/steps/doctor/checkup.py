"""What `doctor` finds: documents, the doors that its probes use, and all probes at once within a few seconds."""

import locale
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal

from reprobuild.ground.documents import Document
from reprobuild.ground.errors import ReprobuildError
from reprobuild.ground.text import shown
from reprobuild.tools.nvml import Nvidia, collect_nvidia
from reprobuild.tools.process import Finished, Runner, run_process
from reprobuild.tools.settings import Settings

if TYPE_CHECKING:
    from reprobuild.tools.fetch import Fetcher
    from reprobuild.tools.pip import PipSources

State = Literal["ok", "untidy", "missing", "broken"]
CORE = ("Python", "engine", "store", "wheels", "archives")
"""What lock, image, run and replay need: of each, one that works."""
PATIENCE = 15.0
"""Seconds for all probes together."""
PROGRAM_PATIENCE, NETWORK_PATIENCE = 8.0, 5.0


class Row(Document):
    """One thing: how it is, what it is for, and the command that mends it."""

    name: str
    state: State
    found: str
    needed_for: str
    remedy: str = ""
    core: Literal["", "Python", "engine", "store", "wheels", "archives"] = ""
    """Which part of the core path it can be."""

    @property
    def works(self) -> bool:
        """True when nothing keeps it from being used."""
        return self.state in ("ok", "untidy")


class Checkup(Document):
    """`doctor --json`."""

    format: Literal["reprobuild.doctor/1"] = "reprobuild.doctor/1"
    works: bool
    """True when lock, image, run and replay can work."""
    lacking: tuple[str, ...]
    """The parts of the core path that nothing provides."""
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Doors:
    """What probes may touch."""

    settings: Settings
    project: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    runner: Runner = run_process
    open_fetcher: "Callable[[PipSources], Fetcher] | None" = None
    find_program: Callable[[str], str | None] = shutil.which
    ask_driver: Callable[[], Nvidia] = collect_nvidia
    encoding: str = field(default_factory=lambda: locale.getpreferredencoding(False))
    platform: str = sys.platform
    patience: float = NETWORK_PATIENCE
    """Seconds for an answer by a network or a socket."""
    root: Path = Path("/")
    """Where /dev, /etc, /proc and /run are."""

    def run(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None,
            timeout: float = PROGRAM_PATIENCE) -> Finished:  # fmt: skip
        """The runner, which here waits for no program long."""
        return self.runner(argv, env=env, cwd=cwd, timeout=min(timeout, PROGRAM_PATIENCE))


@dataclass(frozen=True)
class Probe:
    """A question; `ask` returns its rows or raises what keeps it from an answer."""

    name: str
    needed_for: str
    ask: Callable[[Doors], Sequence[Row]]
    core: Literal["", "Python", "engine", "store", "wheels", "archives"] = ""

    def row(self, state: State, found: str, remedy: str = "") -> Row:
        """A row about this very thing."""
        return Row(
            name=self.name,
            state=state,
            found=shown(found),
            needed_for=self.needed_for,
            remedy=remedy,
            core=self.core,
        )


def answer_probe(probe: Probe, doors: Doors) -> Sequence[Row]:
    """The rows of one probe; what it raises is a row too."""
    try:
        return probe.ask(doors)
    except ReprobuildError as error:
        return [probe.row("broken", str(error), error.hint)]
    except OSError as error:
        return [probe.row("broken", f"{error.filename or probe.name}: {error.strerror or error}")]


def ask_all(probes: Sequence[Probe], doors: Doors, patience: float = PATIENCE) -> list[Row]:
    """The rows of all probes in their order; of one that is not answered in time, that it was not.

    Nobody waits for what hangs: the threads end with the program.
    """
    answers: SimpleQueue[tuple[int, Sequence[Row] | BaseException]] = SimpleQueue()

    def ask(place: int, probe: Probe) -> None:
        try:
            answers.put((place, answer_probe(probe, doors)))
        except BaseException as error:  # it is raised where the answers are collected
            answers.put((place, error))

    for place, probe in enumerate(probes):
        threading.Thread(target=ask, args=(place, probe), daemon=True).start()
    end = time.monotonic() + patience
    found: dict[int, Sequence[Row]] = {}
    while len(found) < len(probes):
        try:
            place, answer = answers.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            break
        if isinstance(answer, BaseException):
            raise answer
        found[place] = answer
    late = f"no answer within {patience:g} s"
    return [
        row
        for place, probe in enumerate(probes)
        for row in found.get(place, [probe.row("broken", late, "try again when the machine is less busy")])
    ]


def conclude(rows: Sequence[Row]) -> Checkup:
    """The rows, and whether the core path works."""
    lacking = tuple(part for part in CORE if not any(row.works for row in rows if row.core == part))
    return Checkup(works=not lacking, lacking=lacking, rows=tuple(rows))
