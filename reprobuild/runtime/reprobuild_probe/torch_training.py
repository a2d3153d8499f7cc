"""Steps of PyTorch's optimisers, and whole small trainings."""

from typing import Any, Callable, Dict, List, Tuple

from .battery import Row
from .of_torch import Context
from .torch_layers import filled

Shape = Tuple[int, ...]
STEPS = 3
OPTIMISERS: List[Tuple[str, str, Dict[str, Any]]] = [
    ("sgd", "SGD", {"lr": 0.125}),
    ("sgd.momentum", "SGD", {"lr": 0.125, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("sgd.foreach", "SGD", {"lr": 0.125, "momentum": 0.9, "foreach": True}),
    ("sgd.fused", "SGD", {"lr": 0.125, "momentum": 0.9, "fused": True}),
    ("adam", "Adam", {"lr": 0.01}),
    ("adam.foreach", "Adam", {"lr": 0.01, "foreach": True}),
    ("adam.fused", "Adam", {"lr": 0.01, "fused": True}),
    ("adam.amsgrad", "Adam", {"lr": 0.01, "amsgrad": True}),
    ("adamw", "AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    ("adamw.foreach", "AdamW", {"lr": 0.01, "foreach": True}),
    ("adamw.fused", "AdamW", {"lr": 0.01, "fused": True}),
    ("adagrad", "Adagrad", {"lr": 0.01}),
    ("adadelta", "Adadelta", {}),
    ("adamax", "Adamax", {"lr": 0.01}),
    ("nadam", "NAdam", {"lr": 0.01}),
    ("radam", "RAdam", {"lr": 0.01}),
    ("rmsprop", "RMSprop", {"lr": 0.01, "momentum": 0.5}),
]


def _steps(name: str, options: Dict[str, Any]) -> Callable[..., Any]:
    """Three steps with given gradients."""

    def run(t: Context, dtype: str, shape: Shape) -> Any:
        parameters = t.leaves(dtype, shape, shape[:1])
        optimiser = getattr(t.torch.optim, name)(parameters, **options)
        for step in range(STEPS):
            for place, parameter in enumerate(parameters):
                parameter.grad = t.make(dtype, tuple(parameter.shape), salt=40 + 10 * step + place)
            optimiser.step()
        return parameters

    return run


def _clipped(t: Context, dtype: str, shape: Shape) -> Any:
    parameters = t.leaves(dtype, shape, shape[:1])
    for place, parameter in enumerate(parameters):
        parameter.grad = t.make(dtype, tuple(parameter.shape), salt=40 + place)
    norm = t.torch.nn.utils.clip_grad_norm_(parameters, 0.5)
    return [norm, *(parameter.grad for parameter in parameters)]


def _network(name: str) -> Callable[..., Any]:
    """A perceptron on integers for a few steps: every operation feeds the next."""

    def run(t: Context, dtype: str, shape: Shape) -> Any:
        nn, (batch, features) = t.torch.nn, shape
        kind: Dict[str, Any] = {"dtype": t.make(dtype, (1,)).dtype, "device": t.device}
        layers = [nn.Linear(features, 32, **kind), nn.ReLU(), nn.Linear(32, 10, **kind)]
        model = filled(t, nn.Sequential(*layers), dtype)
        optimiser = getattr(t.torch.optim, name)(model.parameters(), lr=0.01)
        inputs, targets = t.make(dtype, (batch, features)), t.make("i64", (batch,), salt=5, high=10)
        losses = []
        for _ in range(STEPS):
            optimiser.zero_grad()
            loss = t.nn.cross_entropy(model(inputs), targets)
            loss.backward()
            optimiser.step()
            losses.append(loss)
        return [*losses, *model.parameters()]

    return run


def _autocast(t: Context, dtype: str, shape: Shape) -> Any:
    leaves = t.leaves(dtype, shape, (16, shape[1]))
    with t.torch.autocast(t.device.partition(":")[0], dtype=t.torch.bfloat16):
        result = t.nn.linear(*leaves)
    return [result, *t.torch.autograd.grad(result.float().sum(), leaves)]


ROWS = [
    *(Row("optim." + title, _steps(name, given), ("f32",), [(5, 7), (64, 33)]) for title, name, given in OPTIMISERS),
    Row("optim.adam", _steps("Adam", {"lr": 0.01}), ("f64",), [(5, 7), (64, 33)]),
    Row("clip_grad_norm", _clipped, ("f32", "f64"), [(5, 7), (64, 33)]),
    *(Row("training." + name.lower(), _network(name), ("f32",), [(32, 20), (64, 100)]) for name in ("SGD", "Adam")),
    Row("autocast", _autocast, ("f32",), [(8, 16), (64, 100)]),
]  # fmt: skip
