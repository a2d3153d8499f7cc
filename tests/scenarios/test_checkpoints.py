"""Checkpoints as PyTorch and NumPy really write them, read without them: every value is the one that they tell."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.frameworks import Frameworks
from builders.results import compare_bytes_of

from reprobuild.tensors.content import Numbers, Table
from reprobuild.tensors.numpy_pickle import Array
from reprobuild.tensors.torch import open_torch
from reprobuild.verdict.document import Outcome

pytestmark = [pytest.mark.sandbox, pytest.mark.network, pytest.mark.slow]
SNIPPET = r"""
import base64, collections, io, json
import numpy, torch

torch.manual_seed(1)
numpy.random.seed(1)
layers = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(144, 5)
net = torch.nn.Sequential(*layers)
optimizer = torch.optim.AdamW(net.parameters())
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3)
for _ in range(3):
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    schedule.step()
weight = net[3].weight.detach()
kinds = "float64 float32 float16 bfloat16 float8_e4m3fn float8_e5m2 int64 int32 int16 int8 uint8 uint16 bool complex64"
checkpoint = {
    "model": net.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(),
    "random": torch.get_rng_state(), "epoch": 3, "best": numpy.float64(1.5), "device": torch.device("cpu"),
    "array": numpy.arange(6.0).reshape(2, 3).T, "turned": weight.t(), "part": weight[1:3, ::2], "tied": weight,
    "last": torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    "one": torch.ones(1).expand(4, 5), "empty": torch.empty(0, 3), "scalar": torch.tensor(3.5),
    "lists": collections.defaultdict(list), "parameter": torch.nn.Parameter(torch.ones(2)),
    "kinds": {kind: torch.randn(4, 3).mul(3).to(getattr(torch, kind)) for kind in kinds.split()},
}

def saved(value, **options):
    target = io.BytesIO()
    torch.save(value, target, **options)
    return base64.b85encode(target.getvalue()).decode()

told = {}
def tell(value, name):
    if isinstance(value, dict):
        for key, inner in value.items():
            tell(inner, (*name, key))
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            tell(inner, (*name, number))
    elif isinstance(value, torch.Tensor):
        plain = value.detach().contiguous()
        data = plain.reshape(-1).view(torch.uint8).numpy() if plain.numel() else numpy.empty(0, "u1")
        told[json.dumps(name)] = [str(value.dtype)[6:], list(value.shape), data.tobytes().hex()]
tell(checkpoint, ())

moved = {"layer.10.weight": weight.clone()}
pairs = {}
for kind, bits in (("float64", "int64"), ("float32", "int32"), ("float16", "int16"), ("bfloat16", "int16")):
    sides = [torch.linspace(-1, 1, 12).reshape(4, 3).to(getattr(torch, kind)) for _ in range(2)]
    sides[1].view(getattr(torch, bits))[2, 1] += 1
    pairs[kind] = [saved({**moved, "layer.3.weight": side}) for side in sides]
whole = saved(checkpoint)
torch.serialization.set_crc32_options(False)
again = saved(dict(reversed(checkpoint.items())))
torch.serialization.set_crc32_options(True)
others = {"legacy": saved(checkpoint, _use_new_zipfile_serialization=False), "whole network": saved(net)}
print(json.dumps({"checkpoint": whole, "again": again, "told": told, "pairs": pairs, "others": others}))
"""


@pytest.fixture(scope="module")
def written(frameworks: Frameworks, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    told = frameworks.python(SNIPPET, folder=tmp_path_factory.mktemp("checkpoints") / "work")
    assert told.status == 0, told.output[-2000:]
    found: dict[str, Any] = json.loads(told.output.splitlines()[-1])
    return found


def bytes_of(text: str) -> bytes:
    return base64.b85decode(text)


def test_every_tensor_has_the_numbers_that_pytorch_tells(written: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(bytes_of(written["checkpoint"]))
    content = open_torch(tmp_path / "a.pt")
    seen = {}

    def tell(value: Any, name: tuple[object, ...]) -> None:
        if isinstance(value, Table | list | tuple):
            for key, inner in value.items() if isinstance(value, Table) else enumerate(value):
                tell(inner, (*name, key))
        elif isinstance(value, Numbers):
            data = np.ascontiguousarray(value.view()).tobytes()
            seen[json.dumps(name)] = [value.kind.name, list(value.shape), data.hex()]
        elif isinstance(value, Array) and value.numbers is not None:
            assert value.numbers.view().tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]

    tell(content.values, ())
    del seen['["best"]']  # a scalar of NumPy's

    assert seen == written["told"]


def test_another_order_and_no_checksums_have_the_same_values(written: dict[str, Any], tmp_path: Path) -> None:
    sides = bytes_of(written["checkpoint"]), bytes_of(written["again"])
    comparison = compare_bytes_of(tmp_path, "a.pt", *sides)

    assert comparison.outcome is Outcome.SAME_VALUES, comparison


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", "bfloat16"])
def test_one_unit_in_the_last_place_is_named(written: dict[str, Any], tmp_path: Path, kind: str) -> None:
    comparison = compare_bytes_of(tmp_path, "a.pt", *map(bytes_of, written["pairs"][kind]))

    assert comparison.first is not None
    assert (comparison.first.where, comparison.first.ulps) == ("layer.3.weight[2, 1]", 1)
    assert (comparison.differing, comparison.tensors, comparison.differing_tensors) == (1, 2, 1)


@pytest.mark.parametrize("kind", ["legacy", "whole network"])
def test_what_is_a_program_is_compared_as_bytes(written: dict[str, Any], tmp_path: Path, kind: str) -> None:
    comparison = compare_bytes_of(tmp_path, "a.pt", bytes_of(written["others"][kind]), bytes_of(written["checkpoint"]))

    assert (comparison.outcome, comparison.compared_as) == (Outcome.DIFFERENT, "bytes")
    assert comparison.detail.startswith("compared as bytes: ")
