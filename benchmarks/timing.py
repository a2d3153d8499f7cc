"""Wall times in pairs, and what they say."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes by the wall clock."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


@dataclass
class Comparison:
    """Seconds of both sides, pair by pair."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def add(self, ours: float, theirs: float) -> None:
        """Take one pair."""
        self.ours.append(ours)
        self.theirs.append(theirs)

    @property
    def ratios(self) -> list[float]:
        """How many times faster ours was, pair by pair."""
        return [theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    def figures(self) -> dict[str, object]:
        """Everything, for programs; times in seconds."""
        return {
            "ratio": statistics.median(self.ratios),
            "ratios": self.ratios,
            "ours": self.ours,
            "theirs": self.theirs,
        }

    def __str__(self) -> str:
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        spread = f"{min(self.ratios):.1f} to {max(self.ratios):.1f}"
        return f"{statistics.median(self.ratios):6.1f} times faster ({spread}); {ours:.3f} s, docker {theirs:.3f} s"


@dataclass(frozen=True)
class Machine:
    """Where it was measured."""

    cores: int
    cpu: str
    wheels: int
    docker: str

    def __str__(self) -> str:
        return f"{self.wheels} wheels; {self.cores} cores, {self.cpu}; {self.docker}"


def describe_machine(wheels: int, docker: str) -> Machine:
    """This machine."""
    rows = [line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines()]
    names = [value.strip() for key, _, value in rows if key.strip() == "model name"]
    return Machine(len(os.sched_getaffinity(0)), names[0] if names else "unknown", wheels, docker)
