"""CPU seconds per operation of the libraries of whatever Python runs this; `benchmarks.numerics` starts it.

Each is repeated for a tenth of a second, and its least time counts: of one thread, that hardly changes on a busy
machine. Prints one JSON object.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

Operation = tuple[str, Callable[[], object]]


def of_numpy() -> Iterator[Operation]:
    """NumPy's own loops, OpenBLAS below it, and the C library."""
    import numpy as np

    single, double = np.linspace(0.1, 5, 1 << 16, dtype="f4"), np.linspace(0.1, 5, 1 << 16)
    square = np.linspace(-1, 1, 512 * 512).reshape(512, 512)
    for name in ("exp", "log", "sin", "tanh"):
        function = getattr(np, name)
        yield f"numpy {name} float32", partial(function, single)
        yield f"numpy {name} float64", partial(function, double)
    yield "numpy power float64", lambda: double**1.7
    yield "numpy sum float32", lambda: single.sum()
    yield "numpy argsort float64", lambda: np.argsort(square.ravel())
    yield "numpy matmul 512 float64", lambda: square @ square
    narrow = square.astype("f4")
    yield "numpy matmul 512 float32", lambda: narrow @ narrow
    yield "numpy solve 512 float64", lambda: np.linalg.solve(square + 9 * np.eye(512), square)


def of_scipy() -> Iterator[Operation]:
    """SciPy's Fourier transforms, special functions and linear algebra."""
    import numpy as np
    import scipy.fft
    import scipy.linalg
    import scipy.special

    double, square = np.linspace(0.1, 5, 1 << 16), np.linspace(-1, 1, 200 * 200).reshape(200, 200)
    yield "scipy fft float64", lambda: scipy.fft.fft(double)
    yield "scipy gamma float64", lambda: scipy.special.gamma(double)
    yield "scipy eigh 200 float64", lambda: scipy.linalg.eigh(square + square.T)


def of_sklearn() -> Iterator[Operation]:
    """scikit-learn's own loops."""
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.ensemble import HistGradientBoostingRegressor

    rows = (np.arange(2000 * 8) * 7919 % 10007 / 10007).reshape(2000, 8)
    yield "scikit-learn k-means", lambda: KMeans(8, n_init=1, max_iter=20, random_state=0).fit(rows)
    yield (
        "scikit-learn gradient boosting",
        lambda: HistGradientBoostingRegressor(max_iter=10).fit(rows, rows.sum(axis=1)),
    )


def of_torch() -> Iterator[Operation]:
    """PyTorch on the CPU: products, layers forward and backward, a step of an optimiser."""
    import torch
    from torch import nn

    square, points = torch.linspace(-1, 1, 512 * 512).reshape(512, 512), torch.linspace(0.1, 5, 1 << 16)
    yield "torch matmul 512 float32", lambda: square @ square
    for name in ("exp", "log", "sqrt", "tanh", "sin"):
        function = getattr(torch, name)
        yield f"torch {name} float32", partial(function, points)
    yield "torch softmax float32", lambda: torch.softmax(square, 1)
    images = torch.linspace(-1, 1, 8 * 3 * 32 * 32).reshape(8, 3, 32, 32)
    layers = {
        "convolution": (nn.Conv2d(3, 16, 3), images),
        "linear": (nn.Linear(512, 256), square),
        "LSTM": (nn.LSTM(32, 64), torch.linspace(-1, 1, 20 * 8 * 32).reshape(20, 8, 32)),
        "attention": (nn.TransformerEncoderLayer(64, 4, 128, 0.0), torch.linspace(-1, 1, 4096).reshape(8, 8, 64)),
    }
    for name, (layer, given) in layers.items():
        yield f"torch {name}, both ways", partial(_both_ways, layer, given)
    linear = layers["linear"][0]
    adam = torch.optim.Adam(linear.parameters())
    yield "torch Adam step", adam.step


def _both_ways(layer: object, given: object) -> None:
    out = layer(given)  # type: ignore[operator]
    (out[0] if isinstance(out, tuple) else out).sum().backward()


def seconds(work: Callable[[], object]) -> float:
    """The least of as many times as a tenth of a second has, at least three."""
    work()
    times: list[float] = []
    until = time.process_time() + 0.1
    while len(times) < 3 or time.process_time() < until:
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def main() -> None:
    """Measure whichever libraries are there."""
    found = {}
    for operations in (of_numpy, of_scipy, of_sklearn, of_torch):
        try:
            found.update({name: seconds(work) for name, work in operations()})
        except ImportError as error:
            sys.stderr.write(f"left out: {error}\n")
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
