"""Replays on an emulated CPU, in an engine that plays it: the claim, what is held against it, and what is refused."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from builders.bundles import ScriptedEngine, make_test_bundle, open_test_world
from builders.emulators import fake_qemu

from reprobuild.engines.engine import Container, Execution
from reprobuild.ground.errors import ToolError, UsageError
from reprobuild.steps.replay.emulate import SLOWER
from reprobuild.steps.replay.replay import Options, replay_bundle
from reprobuild.steps.run.attempt import FOUND
from reprobuild.tools.progress import Silent
from reprobuild.verdict.document import Kind, ReplayReport

pytestmark = pytest.mark.usefixtures("qemu")
HASWELL: dict[str, Any] = {
    "vendor": "GenuineIntel",
    "name": "Intel Core Processor (Haswell)",
    "family": "6",
    "model": "60",
    "stepping": "4",
    "features": ["avx2", "fma"],
    "caches": {"L2": 1024},
    "hypervisor": "TCGTCGTCGTCG",
}
OTHER = {**HASWELL, "vendor": "AuthenticAMD", "name": "EPYC", "hypervisor": ""}


def train(work: Path, environment: Mapping[str, str]) -> int:
    (work / "out" / "model.csv").write_text("weight\n1.5\n")
    return 0


@dataclass
class Emulating(ScriptedEngine):
    """One that is on a `claim` under emulation, where processes tell of the CPUs in `told`."""

    claim: Any = field(default_factory=lambda: HASWELL)
    told: tuple[Any, ...] = (HASWELL,)

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        if container.argv[-1].endswith("cpu.py"):
            assert container.emulation is not None
            on_output(json.dumps(self.claim).encode())
            return Execution("finished", 0, None, 0.1)
        done = super().execute(place, container, on_output)
        for number, cpu in enumerate(self.told if container.emulation else (OTHER,)):
            if FOUND in container.writable:
                told = {"main": number == 0, "complete": True, "cpu_seconds": 1.0, "cpu": cpu}
                (container.writable[FOUND] / f"{number}.json").write_text(json.dumps(told))
        return done


@pytest.fixture
def qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "qemu").mkdir()
    return fake_qemu(tmp_path / "qemu", monkeypatch)


def replay(
    folder: Path, engine: Emulating, options: Options | None = None, project: Mapping[str, Any] = {}
) -> ReplayReport:
    made = {"outputs": ("out/model.csv",), "timeout": 60.0, **project}
    bundle = make_test_bundle(folder, Emulating(train), made)
    world = open_test_world(folder / "another", engine)
    given = options or Options(emulate="Haswell")
    return replay_bundle(bundle, world, given, on_output=lambda _: None, progress=Silent())


def test_a_replay_on_the_claimed_cpu_has_its_facts_and_twenty_times_the_time(tmp_path: Path, qemu: Path) -> None:
    engine = Emulating(train)
    report = replay(tmp_path, engine)
    seen = report.seen.fingerprint.cpu

    assert report.verdict is Kind.IDENTICAL
    assert (seen.vendor, seen.name, seen.flags, seen.caches) == (
        *("GenuineIntel", HASWELL["name"], ("avx2", "fma")),
        {"L2": 1024},
    )
    assert report.seen.found["emulation"] == {"cpu": "Haswell", "qemu": "7.2.22", "claim": HASWELL}
    [training] = [container for container in engine.seen if FOUND in container.writable]
    assert training.timeout == SLOWER * 60.0
    assert training.emulation is not None
    assert (training.emulation.qemu, training.emulation.interpreter) == (qemu, "/opt/bin/python")
    assert report.seen.asked.timeout == 60.0


def test_a_replay_on_this_machine_is_not_emulated(tmp_path: Path) -> None:
    engine = Emulating(train)
    report = replay(tmp_path, engine, Options())

    assert "emulation" not in report.seen.found
    assert all(container.emulation is None for container in engine.seen)


@pytest.mark.parametrize("told", [(HASWELL, OTHER), (HASWELL, {}), ({**HASWELL, "features": ["avx2"]},), ()])
def test_a_process_elsewhere_makes_it_void(tmp_path: Path, told: tuple[Any, ...]) -> None:
    report = replay(tmp_path, Emulating(train, told=told))

    assert (report.verdict, report.exit_status) == (Kind.UNCHECKED, 11)
    assert report.reasons[0].startswith("void: ")


@pytest.mark.parametrize("claim", [OTHER, {}, [], "no JSON object", 7])
def test_a_claim_that_is_not_of_an_emulator_is_none(tmp_path: Path, claim: Any) -> None:
    with pytest.raises(ToolError, match="--emulate Haswell: the image's Python does not run on it: "):
        replay(tmp_path, Emulating(train, claim=claim))


def test_a_gpu_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="asks for a GPU"):
        replay(tmp_path, Emulating(train), Options(emulate="Haswell", gpu=True, anyway=True))


@pytest.mark.parametrize("cpu", ["Hasswell", ""])
def test_an_unknown_cpu_is_refused_before_the_bundle_is_read(tmp_path: Path, cpu: str) -> None:
    world = open_test_world(tmp_path / "store", Emulating(train))
    with pytest.raises(UsageError, match="no such CPU"):
        replay_bundle(tmp_path / "none.tar", world, Options(emulate=cpu), on_output=lambda _: None, progress=Silent())
