"""What stands in the place of PyTorch's functions of one number: exact where that is defined, and else as close.

The snippets run in the image, where PyTorch is, and print what does not hold.
"""

from pathlib import Path

import pytest
from builders.frameworks import Frameworks

pytestmark = [pytest.mark.network, pytest.mark.sandbox]
ELEMENTWISE = """
import math, warnings
import numpy, torch
from reprobuild_inside.substitutes import elementwise

warnings.simplefilter("error")
steps = torch.arange(1, 4001, dtype=torch.float64)
numbers = {"sqrt": steps * 0.37, "log": steps * 0.0111, "log2": steps * 0.0111, "log10": steps * 0.0111,
           "acos": steps / 4001, "asin": steps / 4001, "atan": steps * 0.01, "tan": steps * 0.01}

def check(what, holds):
    if not holds:
        print(what)

for name in elementwise.NAMES:
    function, reference = getattr(torch, name), getattr(math, name)
    for dtype in (torch.float64, torch.float32):
        value = numbers[name].to(dtype)
        exact = torch.tensor([reference(number) for number in value.tolist()], dtype=torch.float64)
        error = ((function(value).double() - exact) / exact).abs().max().item()
        check((name, dtype, "far from the exact value", error), error <= 4 * torch.finfo(dtype).eps)
        spread = value.reshape(40, 100)[:, ::3].t()
        check((name, dtype, "not as if contiguous"), torch.equal(function(spread), function(spread.contiguous())))
        check((name, dtype, "other strides"), function(spread.t().contiguous().t()).stride() == (1, 34))
        out = torch.empty(0, dtype=dtype)
        function(value, out=out.resize_(4000))
        check((name, dtype, "other into a tensor"), torch.equal(out, function(value)))
        changed = value.clone()
        getattr(changed, name + "_")()
        check((name, dtype, "other in place"), torch.equal(changed, function(value)))
        check((name, dtype, "empty"), function(value[:0]).shape == (0,) and function(value[0]).dim() == 0)
        check((name, dtype, "meta"), function(value.to("meta")).shape == (4000,))
        check((name, dtype, "vmap"), torch.equal(torch.vmap(function)(spread), function(spread)))
    wanted = numbers[name][::400].clone().requires_grad_()
    check((name, "gradient"), torch.autograd.gradcheck(function, wanted))
    check((name, "half"), function(numbers[name].half()).dtype == torch.float16)
    check((name, "complex"), function(torch.tensor([0.5 + 0.5j])).is_complex())
    check((name, "integers"), torch.equal(function(torch.tensor([1])), function(torch.tensor([1.0]))))
    large = torch.empty(3, dtype=torch.float64)
    function(torch.ones(3), out=large)
    check((name, "into another type"), large[0].item() == function(torch.ones(3))[0].item())
for dtype in (torch.float64, torch.float32):
    value = numbers["sqrt"].to(dtype)
    exact = torch.tensor(numpy.sqrt(value.numpy()))
    for what, root in (("sqrt", torch.sqrt(value)), ("pow", value**0.5), ("foreach", torch._foreach_sqrt([value])[0]),
                       ("pow_", value.clone().pow_(0.5)), ("out", torch.pow(value, 0.5, out=torch.empty_like(value)))):
        check((what, dtype, "not rounded correctly"), torch.equal(root, exact))
check("root of a negative number", torch.sqrt(torch.tensor([-1.0])).isnan().all())
check("another power", torch.equal(torch.tensor([2.0, 3.0]) ** 2, torch.tensor([4.0, 9.0])))
try:
    torch.ones(1).expand(4).sqrt_()
    print("changed a number that lies in four places")
except RuntimeError:
    pass
"""


def test_functions_of_one_number_are_exact_enough_in_every_form(frameworks: Frameworks, tmp_path: Path) -> None:
    told = frameworks.python(ELEMENTWISE, folder=tmp_path / "one", numerics="portable")

    assert told.output == ""
    assert told.status == 0
    assert told.found["pins"]["torch-elementwise"] == {
        "took": True,
        "detail": "acos, asin, atan, log, log10, log2, pow, sqrt, tan",
    }
    assert told.found["problems"] == []


LSTM = """
import torch
from torch import nn

torch.manual_seed(3)
for options in ({}, {"num_layers": 2, "bidirectional": True, "batch_first": True}, {"bias": False}):
    layer, value = nn.LSTM(5, 6, **options), torch.randn(4, 3, 5, requires_grad=True)
    layer.double()
    exact = layer(value.double())[0].float()
    layer.float()
    found = layer(value)[0]
    if (found - exact).abs().max() > 1e-6 or "Mkldnn" in found.grad_fn.name():
        print("apart", options)
    layer.double()
    if not torch.autograd.gradcheck(lambda value: layer(value)[0], value.double()):
        print("gradient", options)
packed = nn.utils.rnn.pack_padded_sequence(torch.randn(4, 3, 5), [4, 2, 1])
print(nn.LSTM(5, 6)(packed)[0].data.shape[0], torch._C._get_mkldnn_enabled())
try:
    nn.LSTM(5, 6)(torch.ones(2, 3, 7))
except RuntimeError:
    print("refused", torch._C._get_mkldnn_enabled())
"""


def test_an_lstm_is_composed_of_its_parts_and_leaves_the_rest_to_onednn(frameworks: Frameworks, tmp_path: Path) -> None:
    told = frameworks.python(LSTM, folder=tmp_path / "one", numerics="portable")

    assert told.output.splitlines() == ["7 True", "refused True"]
    assert told.found["pins"]["torch-lstm"]["took"]


THREADS = """
import threading
import torch
from torch import nn

def together(dtype):
    layer, value = nn.LSTM(5, 6).to(dtype), torch.randn(40, 3, 5).to(dtype)
    wanted, seen, ended = layer(value)[0], set(), threading.Event()
    def work():
        with torch.no_grad():
            for _ in range(50):
                if not torch.equal(layer(value)[0], wanted):
                    print("apart", dtype)
    def look():
        while not ended.is_set():
            seen.add(torch._C._get_mkldnn_enabled())
    workers, looker = [threading.Thread(target=work) for _ in range(3)], threading.Thread(target=look)
    for thread in (looker, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    ended.set()
    looker.join()
    return sorted(seen)

print(together(torch.float32), together(torch.float64))
together(torch.bfloat16)
print(torch._C._get_mkldnn_enabled())
"""


def test_lstms_of_several_threads_leave_onednn_to_the_other_threads(frameworks: Frameworks, tmp_path: Path) -> None:
    told = frameworks.python(THREADS, folder=tmp_path / "one", numerics="portable")

    assert told.output.splitlines() == ["[True] [True]", "True"]


CHOLESKY = """
import warnings
import torch

torch.manual_seed(3)
warnings.filterwarnings("ignore", "torch.cholesky is deprecated")
for size in (1, 5, 16, 17):
    value = torch.randn(3, size, size)
    value = value @ value.mT + size * torch.eye(size)
    wide = torch.linalg.cholesky(value.double())
    factor = torch.linalg.cholesky(value)
    if (factor - wide).abs().max() > 1e-6 or (size <= 16) > torch.equal(factor, wide.float()):
        print("apart", size)
    out = torch.empty(0)
    if not torch.equal(torch.linalg.cholesky(value, out=out), factor) or factor.stride() != wide.stride():
        print("into a tensor", size)
    if size <= 16 and not torch.equal(torch.linalg.cholesky(value, upper=True), factor.mT):
        print("upper", size)
    if size <= 16:  # the old name
        upper, out = torch.cholesky(value, upper=True), torch.empty(0)
        if not torch.equal(torch.cholesky(value), factor) or not torch.equal(torch.cholesky(value, out=out), factor):
            print("by the old name", size)
        if not torch.equal(upper, torch.cholesky(value.double(), upper=True).float()) or not upper.isfinite().all():
            print("upper by the old name", size)
        if upper.stride() != torch.cholesky(value.double(), upper=True).stride():
            print("strides by the old name", size)
    for function in (torch.linalg.cholesky, torch.cholesky):
        changed = value.clone().requires_grad_()
        function(changed).sum().backward()
        doubled = value.double().requires_grad_()
        function(doubled).sum().backward()
        if (changed.grad - doubled.grad).abs().max() > 1e-4:
            print("gradient", size)
print(torch.linalg.cholesky_ex(-torch.eye(3))[1].item(), torch.linalg.cholesky(torch.ones(0, 4, 4)).shape[1])
try:
    torch.linalg.cholesky(-torch.eye(3))
except torch.linalg.LinAlgError:
    print("refused")
try:
    torch.cholesky(-torch.eye(3))
except torch.linalg.LinAlgError:
    print("refused")
print(torch.cholesky(torch.ones(0, 4, 4)).shape[1], torch.cholesky(torch.eye(2, dtype=torch.complex64)).dtype)
"""


def test_a_small_cholesky_factor_is_the_one_in_float64_rounded(frameworks: Frameworks, tmp_path: Path) -> None:
    told = frameworks.python(CHOLESKY, folder=tmp_path / "one", numerics="portable")

    assert told.output.splitlines() == ["1 4", "refused", "refused", "4 torch.complex64"]
    assert told.found["pins"]["torch-cholesky"]["took"]
