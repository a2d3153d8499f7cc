"""The operations of trainings in a real PyTorch: seen without a change of the result, and made again from integers."""

import json
from pathlib import Path

import pytest
from builders.frameworks import NOTHING, Frameworks, Told

from reprobuild.numerics.signatures import Signatures
from reprobuild.record.document import Asked
from reprobuild.steps.probe.inquiry import place_of
from reprobuild.steps.probe.repeat import repeated
from reprobuild.tools.progress import Silent

pytestmark = [pytest.mark.network, pytest.mark.sandbox, pytest.mark.slow]

TRAIN = """
import hashlib
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

class Noise(Dataset):
    def __len__(self):
        return 64
    def __getitem__(self, place):
        return torch.rand(6, 16), place % 5

class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
        self.out = nn.Linear(16, 5)
    def forward(self, rows):
        return self.out(self.layer(rows).mean(dim=1))

class Remembering(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.out = nn.LSTM(16, 8, batch_first=True), nn.Linear(8, 5)
    def forward(self, rows):
        return self.out(self.lstm(rows)[0][:, -1])

class Looking(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.out = nn.Linear(56, 5)
    def forward(self, rows):
        return self.out(self.layers(rows.unsqueeze(1)))

OPTIMISERS = [
    lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9),
    lambda weights: torch.optim.Adam(weights, lr=0.01),
    lambda weights: torch.optim.AdamW(weights, lr=0.01, foreach=True),
    lambda weights: torch.optim.Adam(weights, lr=0.01, fused=True),
]
digest = hashlib.sha256()
for number, model in enumerate((Attending(), Remembering(), Looking(), nn.Sequential(nn.Flatten(), nn.Linear(96, 5)))):
    optimiser = OPTIMISERS[number](model.parameters())
    for rows, labels in DataLoader(Noise(), batch_size=16, num_workers=2 * (number == 0)):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(rows), labels).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    model.eval()
    with torch.no_grad():
        digest.update(repr(model(rows).softmax(dim=1).tolist()).encode())
    for weight in model.state_dict().values():
        digest.update(repr(weight.tolist()).encode())
print(digest.hexdigest())
"""

WRONG = """
import sys
import torch
try:
    torch.ones(3) + torch.ones(4)
except RuntimeError as error:
    print(type(error).__name__, error)
try:
    torch.ones(3, requires_grad=True).add_(1)
except RuntimeError as error:
    print(type(error).__name__, error)
print(torch.nn.functional.softmax(torch.ones(2), dim=0).tolist(), torch.empty(0).sum().item())
sys.exit(3)
"""

HIDING = """
import os
import threading
import torch
thread = threading.Thread(target=lambda: torch.ones(3).tanh())
thread.start()
thread.join()
print(torch.ones(3).cos().tolist())
compiled = torch.compile(lambda tensor: tensor.sin() + 1, backend="eager")
compiled(torch.ones(3))
torch.ones(3).exp()
"""

HOSTILE = """
import json, sys
import torch
from reprobuild_probe import repeat

def tensor(shape, strides, **more):
    return {"tensor": "float32", "shape": shape, "strides": strides, "device": "cpu", **more}

def ask(operation, *inputs, **options):
    return {"operation": operation, "inputs": list(inputs), "options": options}

repeat._bound(repeat.MEMORY)
signatures = [
    ask("aten::exp.default", tensor([1 << 20, 1 << 20], [1 << 20, 1])),
    ask("aten::exp.default", tensor([2, 2], [1 << 60, 1])),
    ask("aten::exp.default", tensor([4], [-1])),
    ask("aten::exp.default", tensor([2, 3], [1])),
    ask("aten::exp.default", {"tensor": "float99", "shape": [2], "strides": [1], "device": "cpu"}),
    ask("aten::exp.default", {"command": "true"}),
    ask("aten::no_such_operation.default"),
    ask("os::system.default", "true"),
    ask("aten::ones.default", [1 << 42]),
    ask("aten::embedding.default", tensor([3, 2], [2, 1]), dict(tensor([4], [1], low=0, high=99), tensor="int64")),
    ask("aten::exp.default", tensor([3], [1], exponent=10**9)),
    ask("aten::exp.default", tensor([3], [0])),
]
results = repeat.repeat(torch, {"signatures": signatures, "settings": {"threads": 10**9}})["results"]
late = repeat.repeat(torch, {"signatures": signatures[-1:], "settings": {}, "seconds": -1})["results"]
print(json.dumps([results, late]))
"""

THREADS = """
import sys, threading
before = []
def profiler(frame, event, argument):
    before.append(event)
threading.setprofile(profiler)
import torch
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack as modes
from reprobuild_inside.signatures import WATCH

def work():
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = torch.optim.SGD([weight], lr=0.1)
    helping = threading.Thread(target=help)
    helping.start()
    assert ready.acquire(timeout=60)
    WATCH.left = 10
    for step in range(1, 9):
        print(step, len(modes()), WATCH.recording)
        for _ in range(10):
            weight.exp()
        weight.grad = torch.ones(3)
        optimiser.step()
    go.release()
    helping.join()
    print(sys.getprofile() is profiler)

def help():
    sys.setprofile(None)
    torch.ones(3).tanh()
    ready.release()
    go.acquire(timeout=60)
    before = len(modes())
    torch.ones(3).sin()
    print("helping", before, len(modes()), sys.getprofile())

ready, go = threading.Semaphore(0), threading.Semaphore(0)
training = threading.Thread(target=work)
training.start()
training.join()
torch.ones(3).cos()
print("main", len(modes()), "call" in before, "c_call" in before)
"""

CUT_OFF = """
import os
import torch
print(torch.ones(3).exp().tolist(), flush=True)
os._exit(0)
"""


def both(frameworks: Frameworks, tmp_path: Path, script: str) -> tuple[Told, Told]:
    told = [frameworks.python(script, folder=tmp_path / str(watched), watched=watched) for watched in (False, True)]
    return told[0], told[1]


def signatures_of(told: Told) -> Signatures:
    assert told.signatures is not None
    return told.signatures


def test_a_training_that_is_watched_has_the_same_bits_and_every_operation_is_made_again(
    frameworks: Frameworks, tmp_path: Path
) -> None:
    plain, watched = both(frameworks, tmp_path, TRAIN)
    run = signatures_of(watched)

    assert (plain.output, plain.status) == (watched.output, watched.status)
    assert plain.signatures is None
    assert (run.gaps, run.hidden, run.missed, run.steps) == ((), (), None, 16)
    names = {call.operation for call in run.seen}
    assert names >= {
        "aten::rand.default",  # in a loader's worker
        "aten::bernoulli_.float",
        "aten::native_layer_norm_backward.default",
        "aten::mkldnn_rnn_layer.default",
        "aten::convolution_backward.default",
        "aten::_fused_adam_.default",
        "aten::_foreach_norm.Scalar",
        "aten::sqrt.default",
    }
    where = {call.operation: set(call.where) for call in run.seen}
    assert where["aten::sqrt.default"] == {"optimizer"}
    assert where["aten::convolution_backward.default"] == {"backward"}

    asked = Asked.model_validate({**NOTHING, "threads": 2})
    results = repeated(place_of(frameworks.prepared, frameworks.world), asked, {}, run, Silent()).results
    failed = {call.operation: result.error for call, result in zip(run.seen, results, strict=True) if result.error}
    assert failed == {}
    assert all(result.values and result.turns for result in results)


def test_errors_are_those_of_a_training_that_is_not_watched(frameworks: Frameworks, tmp_path: Path) -> None:
    plain, watched = both(frameworks, tmp_path, WRONG)

    assert plain.output.count("RuntimeError") == 2
    assert (plain.output, plain.status) == (watched.output, 3)
    assert plain.found["problems"] == watched.found["problems"]


def test_threads_are_seen_and_what_is_compiled_is_named(frameworks: Frameworks, tmp_path: Path) -> None:
    told = frameworks.python(HIDING, folder=tmp_path / "hiding", watched=True)
    run = signatures_of(told)

    assert told.status == 0, told.output
    names = {call.operation for call in run.seen}
    assert names >= {"aten::tanh.default", "aten::cos.default"}
    assert "aten::exp.default" not in names
    assert "torch.compile" in run.hidden
    assert run.gaps == ("torch.compile",)


def test_watching_ends_in_all_threads_goes_on_where_steps_are_made_and_leaves_a_profiler_alone(
    frameworks: Frameworks, tmp_path: Path
) -> None:
    told = frameworks.python(THREADS, folder=tmp_path / "threads", watched=True)
    run = signatures_of(told)

    lines = told.output.splitlines()
    watched = {1, 2, 4, 8}
    assert lines[:8] == [f"{step} {int(step in watched)} {step in watched}" for step in range(1, 9)]
    assert lines[8:] == ["helping 1 0 None", "True", "main 0 True True"]
    assert run.gaps == ("more than 50000 operations",)
    assert {"aten::tanh.default", "aten::exp.default"} <= {call.operation for call in run.seen}


def test_threads_that_another_profiler_looks_on_are_a_gap(frameworks: Frameworks, tmp_path: Path) -> None:
    script = "import threading, torch\nthreading.setprofile(lambda *_: None)\ntorch.ones(3).exp()\n"
    run = signatures_of(frameworks.python(script, folder=tmp_path / "profiled", watched=True))

    assert (run.gaps, run.missed) == (("threads that began under another profiler",), 1)


def test_a_process_that_does_not_end_by_itself_leaves_a_gap(frameworks: Frameworks, tmp_path: Path) -> None:
    run = signatures_of(frameworks.python(CUT_OFF, folder=tmp_path / "cut", watched=True))

    assert run.gaps == ("the process did not end by itself",)


def test_calls_that_nobody_should_be_asked_for_are_left_out(frameworks: Frameworks, tmp_path: Path) -> None:
    told = frameworks.python(HOSTILE, folder=tmp_path / "hostile")
    assert told.status == 0, told.output
    results, late = json.loads(told.output)

    assert [("digest" in result) for result in results] == [False] * 10 + [True] * 2
    assert [result["error"].partition(":")[0] for result in results[:4]] == ["too large"] * 4
    assert late == [{"error": "no time was left"}]
