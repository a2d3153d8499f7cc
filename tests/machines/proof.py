"""`make proof`: every case on every machine under both profiles, into docs/proof.json, docs/proof.md and the README.

What was found is kept in `.proof/` cell by cell, so that `--resume` goes on after an interruption; it does not look
whether the code is still the same.
"""

import argparse
import datetime as dt
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from builders.cases import MACHINES, PROFILES, Case, Machine, read_cases
from builders.frameworks import Frameworks, Training, shared_frameworks
from machines.table import Cell, Control, Proof, render_proof, render_short, replace_part

from reprobuild.project.read import read_project
from reprobuild.steps.lock.lock import read_lock_of
from reprobuild.tools.store import remove

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".proof"
DATA, PAGE, README = ROOT / "docs" / "proof.json", ROOT / "docs" / "proof.md", ROOT / "README.md"
CONTROL = "control"
PACKAGES = ("numpy", "scikit-learn", "scipy", "torch")


def main() -> None:
    """Run what is missing, and write the pages."""
    parser = argparse.ArgumentParser(prog="make proof", description=__doc__)
    parser.add_argument("--resume", action="store_true", help="keep what .proof/ holds already")
    parser.add_argument("--profile", action="append", choices=PROFILES)
    parser.add_argument("--case", action="append", choices=list(read_cases()))
    parser.add_argument("--machine", action="append", choices=[machine.name for machine in MACHINES])
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="replays at a time")
    wanted = parser.parse_args()
    if not wanted.resume:
        remove(STATE)
    STATE.mkdir(exist_ok=True)
    with shared_frameworks(STATE) as frameworks, ThreadPoolExecutor(wanted.jobs) as pool:
        jobs = [
            Job(frameworks, case, profile, wanted.machine or [machine.name for machine in MACHINES])
            for profile in wanted.profile or PROFILES
            for case in read_cases().values()
            if case.name in (wanted.case or read_cases())
        ]
        list(pool.map(Job.run, jobs))
        write_pages(collect_proof(frameworks))


@dataclass(frozen=True)
class Job:
    """One case under one profile on some machines, with one bundle, which is gone afterwards."""

    frameworks: Frameworks
    case: Case
    profile: str
    machines: list[str]

    def run(self) -> None:
        """Everything that is not there yet."""
        machines = [machine for machine in MACHINES if machine.name in self.machines]
        names = [machine.name for machine in machines] + [CONTROL] * (self.profile == "portable")
        if all(self._known(name) for name in names):
            return
        folder = STATE / "work" / f"{self.case.name}-{self.profile}"
        remove(folder)
        folder.mkdir(parents=True)
        training = self.case.lay(self.frameworks, folder / self.case.name, self.profile)
        try:
            training.run()
        except AssertionError as error:
            say(f"{folder.name}: {error}")
            return
        for machine in machines:
            self._keep(machine.name, partial(self._cell, training, machine))
        if CONTROL in names:
            self._keep(CONTROL, partial(self._control, training, folder / "control"))
        remove(folder)

    def _path(self, name: str) -> Path:
        return STATE / "cells" / f"{self.case.name}-{self.profile}-{name.replace(' ', '-')}.json"

    def _known(self, name: str) -> bool:
        """True when it was made, and did not fail."""
        path = self._path(name)
        return path.exists() and b'"failed"' not in path.read_bytes()

    def _keep(self, name: str, make: Callable[[], Cell | Control]) -> None:
        if not self._known(name):
            found = make()
            self._path(name).parent.mkdir(exist_ok=True)
            self._path(name).write_bytes(found.to_bytes())
            say(f"{self._path(name).stem}: {found.verdict}")

    def _cell(self, training: Training, machine: Machine) -> Cell:
        told: dict[str, Any] = {"case": self.case.name, "profile": self.profile, "machine": machine.name}
        try:
            report = machine.replay(training)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            say(f"{self.case.name} on {machine.name}: {error}")
            return Cell(**told, verdict="failed", reason=str(error)[:200], prediction=None, seconds=0)
        return Cell(
            **told,
            verdict=report["verdict"],
            reason=report["reasons"][0],
            prediction=(report.get("prediction") or {}).get("kind"),
            seconds=report["seen"]["wall_seconds"],
        )

    def _control(self, training: Training, folder: Path) -> Control:
        verdict: Any = self.case.control_verdict(self.frameworks, training, folder)
        return Control(case=self.case.name, change=str(self.case.control), verdict=verdict)


def collect_proof(frameworks: Frameworks) -> Proof:
    """What `.proof/` holds, and what this machine is."""
    cells, controls = [], []
    for path in sorted((STATE / "cells").glob("*.json")):
        if path.stem.endswith(CONTROL):
            controls.append(Control.from_bytes(path.read_bytes(), path.name))
        else:
            cells.append(Cell.from_bytes(path.read_bytes(), path.name))
    index, _ = read_lock_of(read_project(frameworks.folder / "project"))
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return Proof(
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        commit=_told("git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"),
        cpu=names[0],
        cores=len(names),
        qemu=_told("qemu-x86_64-static", "--version").splitlines()[0].partition(" (")[0],
        versions={artifact.name: artifact.version for artifact in index.artifacts if artifact.name in PACKAGES},
        cells=tuple(cells),
        controls=tuple(controls),
    )


def write_pages(proof: Proof) -> None:
    """The figures as they are, and both pages made of them."""
    DATA.write_text(json.dumps(proof.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(replace_part(PAGE.read_text(), render_proof(proof)))
    README.write_text(replace_part(README.read_text(), render_short(proof)))


def say(line: str) -> None:
    """How far it is."""
    sys.stderr.write(f"{line}\n")


def _told(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
