"""The trainings of `tests/machines/cases.toml`, the machines of their replays, and what each must not survive."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from builders.frameworks import Frameworks, Training

from reprobuild.engines.engine import Container, Execution
from reprobuild.engines.sandbox import Sandbox
from reprobuild.steps.replay.replay import Options, replay_bundle
from reprobuild.tools.progress import Silent

FOLDER = Path(__file__).parent.parent / "machines"
PROFILES = ("portable", "native")
THREADS = 2


@dataclass(frozen=True)
class Machine:
    """Where a bundle is replayed: on this machine, perhaps with one core, or on an emulated CPU."""

    name: str
    cpu: str | None = None
    one_core: bool = False

    def __str__(self) -> str:
        return self.name

    def replay(self, training: Training) -> dict[str, Any]:
        """The report of a replay there."""
        words = ("--emulate", self.cpu) if self.cpu else ()
        return training.replay(*words, cores=str(min(os.sched_getaffinity(0))) if self.one_core else None)


ONE_CORE, ALL_CORES = Machine("one core", one_core=True), Machine("all cores")
EMULATED = tuple(Machine(cpu, cpu) for cpu in ("Haswell", "Skylake-Client", "EPYC", "EPYC-Rome"))
"""Two of Intel, two of AMD."""
MACHINES = (ONE_CORE, ALL_CORES, *EMULATED)


@dataclass(frozen=True)
class Control:
    """One change after which a case must come out different; exactly one field is set."""

    seed: int | None = None
    threads: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the portable profile, on this machine: with another value, or taken away where it is empty."""
    native: str | None = None
    """An emulated CPU, for a bundle of the native profile."""

    def __str__(self) -> str:
        if self.variables:
            ((name, value),) = self.variables.items()
            return f"{name}={value}" if value else f"without {name}"
        if self.native:
            return f"native on {self.native}"
        plural = "" if self.threads == 1 else "s"
        return f"seed {self.seed}" if self.seed is not None else f"{self.threads} thread{plural}"


@dataclass(frozen=True)
class Case:
    """One training: `script` is its folder."""

    name: str
    title: str
    control: Control
    script: str = ""
    launcher: tuple[str, ...] = ("python",)
    arguments: tuple[str, ...] = ()

    def lay(self, frameworks: Frameworks, folder: Path, profile: str, threads: int = THREADS) -> Training:
        """The case as a project in the new `folder`."""
        return frameworks.training(
            folder,
            {"train.py": FOLDER / "cases" / (self.script or self.name) / "train.py"},
            command=(*self.launcher, "train.py", *self.arguments),
            numerics=profile,
            threads=threads,
            metrics="out/metrics.json",
        )

    def control_verdict(self, frameworks: Frameworks, training: Training, folder: Path) -> str:
        """How the case came out under its control, which is to be "different"; `folder` is a new one.

        `training` is the case under the portable profile, with its bundle. Equivalent is different here: weights are
        others, and only the metrics agree.
        """
        return {"equivalent": "different"}.get(verdict := self._control(frameworks, training, folder), verdict)

    def _control(self, frameworks: Frameworks, training: Training, folder: Path) -> str:
        control = self.control
        if control.seed is not None:
            return str(training.replay("--seed", str(control.seed))["verdict"])
        if control.variables:
            return replay_changed(frameworks, training.project / "bundle.tar", control.variables)
        other = self.lay(frameworks, folder, "native" if control.native else "portable", control.threads or THREADS)
        record = other.run()
        if control.native:
            return str(other.replay("--emulate", control.native)["verdict"])
        return "identical" if record["outputs"] == training.record["outputs"] else "different"


class Changed(Sandbox):
    """A sandbox in which some variables are other than they were asked for; an empty one is not there."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__()
        self.variables = variables

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        """See `Engine.execute`."""
        mixed = {**container.environment, **self.variables}
        left = {name: value for name, value in mixed.items() if value or name not in self.variables}
        return super().execute(place, replace(container, environment=left), on_output)


def replay_changed(frameworks: Frameworks, bundle: Path, variables: Mapping[str, str]) -> str:
    """The verdict of a replay under other variables."""
    world = replace(frameworks.world, engine=Changed(variables))
    return replay_bundle(bundle, world, Options(), on_output=lambda _: None, progress=Silent()).verdict.value


@cache
def read_cases() -> dict[str, Case]:
    """The cases by name, in the table's order."""
    table = tomllib.loads((FOLDER / "cases.toml").read_text())
    return {name: _case(name, values) for name, values in table.items()}


def _case(name: str, values: dict[str, Any]) -> Case:
    words: dict[str, Any] = {key: tuple(values.pop(key)) for key in ("launcher", "arguments") if key in values}
    return Case(name=name, control=Control(**values.pop("control")), **words, **values)
