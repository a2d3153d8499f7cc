"""The whole battery under `portable`: on one core and on two, and on emulated CPUs of two makers."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from builders.frameworks import NOTHING, Frameworks

from reprobuild.numerics.compare import compare_numerics
from reprobuild.numerics.document import Numerics
from reprobuild.record.document import Asked
from reprobuild.steps.probe.inquiry import place_of
from reprobuild.steps.probe.probe import probe_image
from reprobuild.steps.replay.emulate import emulate
from reprobuild.tools.qemu import find_emulator

pytestmark = [pytest.mark.network, pytest.mark.sandbox, pytest.mark.slow]
DIFFER = {"numpy/argsort", "numpy/argpartition"}
"""The published list (docs/numerics.md), as far as the battery has it."""
DIE = {"numpy/argpartition", "torch/lstm.deep"}
"""What kills qemu's process at times."""
WORDS = ("probe", "--image", "--numerics", "portable", "--threads", "2", "--json")


def operations(names: Iterable[str]) -> set[str]:
    """Without types and shapes."""
    return {"/".join(name.split("/")[:2]) for name in names}


def test_one_core_computes_what_two_do(frameworks: Frameworks, tmp_path: Path) -> None:
    training = frameworks.training(tmp_path / "project", {"train.py": ""})
    one, all_of_them = (
        Numerics.from_bytes(training.command(*WORDS, cores=cores).encode(), "probe") for cores in ("0", None)
    )

    assert compare_numerics(all_of_them, one).disagreeing == ()
    assert {"libm", "math", "numpy", "scipy", "torch"} <= one.libraries.keys()
    assert all_of_them.failed == {}
    assert json.loads(all_of_them.to_bytes())["profile"] == "portable"


@pytest.mark.emulation
@pytest.mark.parametrize("cpu", ["Haswell", "EPYC"])
def test_another_makers_cpu_computes_the_same_but_for_the_published_list(frameworks: Frameworks, cpu: str) -> None:
    asked = Asked.model_validate({**NOTHING, "threads": 2, "numerics": "portable"})
    world = frameworks.world
    emulated = emulate(frameworks.prepared, find_emulator(cpu, world.runner, "x86_64"), world.engine)
    found = compare_numerics(
        probe_image(place_of(frameworks.prepared, world), asked, {}), probe_image(place_of(emulated, world), asked, {})
    )

    assert operations(found.disagreeing) <= DIFFER
    assert operations(found.failed) <= DIE
    assert found.missing == ()
    assert found.agreeing > 2000
