"""examples/ptx in the real sandbox, with a folder that stands for a machine with a GPU."""

import shutil
from pathlib import Path

import pytest
from builders.bundles import make_test_bundle, open_test_world
from builders.gpus import make_gpu_host, make_spec, write_spec
from builders.host import HostSandbox

from reprobuild.project.read import read_project
from reprobuild.steps.replay.replay import Options, replay_bundle
from reprobuild.tools.progress import Silent
from reprobuild.verdict.document import Kind

pytestmark = [pytest.mark.sandbox, pytest.mark.compiler]
EXAMPLE = Path(__file__).parents[2] / "examples" / "ptx"


def test_the_example_runs_and_replays_with_a_gpu(tmp_path: Path) -> None:
    host = make_gpu_host(tmp_path / "host")
    project = read_project(EXAMPLE)
    keys = ("command", "seed", "gpu", "outputs", "metrics", "hyperparameters")
    bundle = make_test_bundle(
        tmp_path / "made",
        HostSandbox(host=host),
        {key: getattr(project, key) for key in keys},
        files={"train.py": (EXAMPLE / "train.py").read_text()},
    )
    write_spec(host, make_spec())
    world = open_test_world(tmp_path / "store", HostSandbox(host=host))
    # This machine has no GPU that NVML tells of, so the replay is asked for anyway.
    report = replay_bundle(bundle, world, Options(anyway=True), on_output=lambda _: None, progress=Silent())

    assert report.verdict is Kind.IDENTICAL
    assert report.seen.metrics["loss"] < 1e-10
    shutil.rmtree(host)
