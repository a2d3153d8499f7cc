"""PyTorch's operations that differed before their pins, natively on one core and on CPUs of two makers."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from builders.frameworks import Frameworks

pytestmark = [pytest.mark.network, pytest.mark.sandbox, pytest.mark.emulation, pytest.mark.slow]
OPERATIONS = """
import hashlib
import torch
from torch import nn

def tell(name, *tensors):
    data = b"".join(tensor.detach().contiguous().numpy().tobytes() for tensor in tensors)
    print(name, hashlib.sha256(data).hexdigest()[:16])

def numbers(rows, columns, dtype):
    count = torch.arange(rows * columns, dtype=torch.int64) * 7919 % 1009
    return (count.double() / 1009 - 0.5).to(dtype).reshape(rows, columns)

for dtype in (torch.float32, torch.float64):
    steps = (torch.arange(1, 5001, dtype=torch.int64) * 7919 % 5003).to(dtype) / 5003
    for name in ("sqrt", "acos", "asin", "atan", "tan", "log", "log2", "log10", "exp", "sin", "tanh", "erf"):
        tell((name, dtype), getattr(torch, name)(steps))
    tell(("pow", dtype), steps**0.5, steps**1.7)
    for size in (5, 16, 40):
        value = numbers(size, size, dtype)
        tell(("matmul", dtype, size), value @ value.T)
        tell(("cholesky", dtype, size), torch.linalg.cholesky(value @ value.T + size * torch.eye(size, dtype=dtype)))
        tell(("fft", dtype, size), torch.view_as_real(torch.fft.fft(value)))
    parameter = numbers(7, 30, dtype).requires_grad_()
    optimizer = torch.optim.Adam([parameter])
    for _ in range(3):
        parameter.grad = numbers(7, 30, dtype) * 3
        optimizer.step()
    tell(("Adam", dtype), parameter)
torch.manual_seed(3)
layer = nn.LSTM(5, 6)
output = layer(torch.randn(4, 3, 5))[0]
output.sum().backward()
tell("LSTM", output, *(parameter.grad for parameter in layer.parameters()))
"""


def test_operations_agree_on_cpus_of_two_makers(frameworks: Frameworks, tmp_path: Path) -> None:
    def tell(cpu: str) -> str:
        told = frameworks.python(OPERATIONS, folder=tmp_path / f"on-{cpu}", numerics="portable", cpu=cpu)
        assert told.status == 0, told.output
        return told.output

    natively = tell("")
    with ThreadPoolExecutor() as pool:
        for emulated in pool.map(tell, ("Haswell", "EPYC")):
            assert emulated.splitlines() == natively.splitlines()
