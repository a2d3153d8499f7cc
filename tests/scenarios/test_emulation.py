"""Trainings on another CPU than this machine's, by qemu in the real sandbox; no network, no image from an archive."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders.bundles import make_test_bundle, open_test_world
from builders.host import HostSandbox

from reprobuild.engines.engine import Container, Execution
from reprobuild.steps.replay import Options, replay_bundle
from reprobuild.tools.progress import Silent
from reprobuild.verdict.document import Kind, ReplayReport

pytestmark = [pytest.mark.sandbox, pytest.mark.emulation]
PROJECT: dict[str, Any] = {"outputs": ("out/result.json",)}


class Quick(HostSandbox):
    """Compiles nothing: these trainings import little."""

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        if "compileall" in container.argv:
            return Execution("finished", 0, None, 0.0)
        return super().execute(place, container, on_output)


def replay(folder: Path, train: str, cpu: str = "Haswell", project: dict[str, Any] | None = None) -> ReplayReport:
    bundle = make_test_bundle(folder / "made", Quick(), project or PROJECT, files={"train.py": train})
    world = open_test_world(folder / "another store", Quick())
    options = Options(emulate=cpu, output=folder / "results")
    return replay_bundle(bundle, world, options, on_output=lambda _: None, progress=Silent())


def places(report: ReplayReport) -> dict[str, int]:
    """How many processes were on which CPU."""
    processes: Any = report.seen.found["processes"]
    return {cpu["name"]: cpu["count"] for cpu in processes["cpus"]}


def test_every_process_is_on_the_cpu_that_was_asked_for(tmp_path: Path) -> None:
    train = "import random, json; json.dump(random.random(), open('out/result.json', 'w'))"
    report = replay(tmp_path, train)

    assert report.verdict is Kind.IDENTICAL, report
    assert report.seen.fingerprint.cpu.name == "Intel Core Processor (Haswell)"
    assert places(report) == {"Intel Core Processor (Haswell)": 1}
    assert {"CPU vendor", "CPU model"} <= {finding.subject for finding in report.findings}
