"""PyTorch's pins in the image: what takes, and what is told of what does not."""

from pathlib import Path

import pytest
from builders.frameworks import Frameworks

pytestmark = [pytest.mark.network, pytest.mark.sandbox]
PINS = {"torch-kernels", "torch-threads", "torch-onednn", "torch-mkl", "torch-nnpack"}
SQUARE_ROOTS = """
import math, torch
numbers = (torch.arange(1, 5001, dtype=torch.float64) * 0.37)
print(torch.sqrt(numbers).tolist() == [math.sqrt(number) for number in numbers.tolist()])
print(hash(tuple((numbers.float().reshape(50, 100) @ numbers.float().reshape(100, 50)).flatten().tolist())))
"""
CHOSEN = "import torch\ntorch.ones(9, 9) @ torch.ones(9, 9)\n"
CHANGED = "import torch\ntorch.set_num_threads(1)\ntorch.backends.nnpack.set_flags(True)\n"


def test_every_pin_takes_whatever_the_machine(frameworks: Frameworks, tmp_path: Path) -> None:
    told = frameworks.python(SQUARE_ROOTS, folder=tmp_path / "one", numerics="portable", threads=3)

    pins = told.found["pins"]
    assert {name: pins[name] for name in PINS if not pins[name]["took"]} == {}
    assert told.found["problems"] == []
    assert told.output.splitlines()[0] == "True"  # MKL's own begins with an approximation


def test_a_script_that_undoes_pins_is_told(frameworks: Frameworks, tmp_path: Path) -> None:
    told = frameworks.python(CHANGED, folder=tmp_path / "one", numerics="portable", threads=2)

    assert told.found["pins"]["torch-threads"] == {"took": False, "detail": "1 threads"}
    assert told.found["pins"]["torch-nnpack"] == {"took": False, "detail": "NNPACK is used"}
    assert told.found["pins"]["torch-mkl"]["took"]


def test_without_the_profile_nothing_is_pinned(frameworks: Frameworks, tmp_path: Path) -> None:
    told = frameworks.python(CHOSEN, folder=tmp_path / "one", threads=2)

    assert not PINS & told.found.get("pins", {}).keys()
