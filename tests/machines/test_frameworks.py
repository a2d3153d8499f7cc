"""The image of frameworks that other tests take: it has what they expect, and a training in it is replayed."""

import threading
from pathlib import Path

import pytest
from builders.frameworks import Frameworks, share

pytestmark = [pytest.mark.network, pytest.mark.sandbox, pytest.mark.slow]
VERSIONS = """
import numpy, scipy, sklearn, torch
print(torch.__version__.partition("+")[0], torch.get_num_threads(), torch.rand(1).item())
"""
COMPILER = """
import sys
import torch
print([name for name in ("torch._dynamo", "torch._inductor") if name in sys.modules])
import torch._inductor.config
print(torch.are_deterministic_algorithms_enabled(), torch._inductor.config.deterministic)
torch.use_deterministic_algorithms(False)
print(torch.are_deterministic_algorithms_enabled(), torch._inductor.config.deterministic)
"""
TRAIN = """
import os
import numpy
os.mkdir("out")
numpy.save("out/weights.npy", numpy.random.rand(9))
"""


def test_a_snippet_finds_the_frameworks_seeded_and_with_its_threads(frameworks: Frameworks, tmp_path: Path) -> None:
    told = [frameworks.python(VERSIONS, folder=tmp_path / name, threads=1) for name in ("one", "two")]

    assert told[0].output == told[1].output
    assert told[0].output.startswith("2.13.0 1 0.")
    assert told[0].found["seeds"]["torch"] == 1


def test_a_compiler_is_deterministic_too_and_is_not_imported_for_that(frameworks: Frameworks, tmp_path: Path) -> None:
    told = frameworks.python(COMPILER, folder=tmp_path / "x")

    assert told.output.splitlines() == ["[]", "True True", "False False"]


def test_a_project_is_trained_and_replayed(frameworks: Frameworks, tmp_path: Path) -> None:
    training = frameworks.training(tmp_path / "p", {"train.py": TRAIN})
    training.run()

    assert training.replay(cores="0")["verdict"] == "identical"
    assert training.replay("--seed", "2")["verdict"] == "different"


def test_two_processes_of_a_session_use_them_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "frameworks"
    folder.mkdir()
    (folder / "ready").touch()
    with (tmp_path / "lock").open("w") as one, (tmp_path / "lock").open("w") as other:
        share(one.fileno(), folder)
        second = threading.Thread(target=share, args=(other.fileno(), folder), daemon=True)
        second.start()
        second.join(timeout=30)

        assert not second.is_alive()
