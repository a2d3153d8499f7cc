"""PyTorch, on the CPU and on each GPU: the same table, with inputs that are copied there."""

from typing import Any, Callable, Iterator, List, Sequence, Tuple

from .battery import Row
from .inputs import Inputs

Shape = Tuple[int, ...]
FLOATS = ("f32", "f64")
HALVES = ("bf16", "f16")
SEED = 20260101


class Context:
    """PyTorch's module, its functional operations, and inputs on one device."""

    def __init__(self, torch: Any, device: str = "cpu") -> None:
        self.torch, self.device, self.nn = torch, device, torch.nn.functional
        self.make = Inputs(torch, device).make

    def leaves(self, dtype: str, *shapes: Sequence[int], exponent: int = 0) -> List[Any]:
        """Tensors that want a gradient, each of other numbers."""
        made = [self.make(dtype, shape, salt=salt, exponent=exponent) for salt, shape in enumerate(shapes, 10)]
        return [tensor.requires_grad_() for tensor in made]

    def backward(self, result: Any, dtype: str, leaves: Sequence[Any]) -> List[Any]:
        """The result and the gradients of all leaves, by a gradient of the result that is given."""
        given = self.make(dtype, tuple(result.shape), salt=9)
        return [result, *self.torch.autograd.grad(result, list(leaves), given)]

    def generator(self) -> Any:
        """A generator that nothing else draws from."""
        return self.torch.Generator(device=self.device).manual_seed(SEED)


def devices(torch: Any) -> Iterator[str]:
    """`cpu`, and then each GPU that this PyTorch can use; a driver that fails raises what PyTorch raises."""
    yield "cpu"
    if torch.cuda.is_available():
        yield from ("cuda:%d" % place for place in range(torch.cuda.device_count()))


def load(torch: Any) -> None:
    """What PyTorch imports when an optimiser is made and when a pooling is differentiated: imports, not arithmetic."""
    leaf = torch.ones(1, 1, 4, 4, requires_grad=True)
    torch.nn.functional.adaptive_avg_pool2d(leaf, 3).sum().backward()
    torch.optim.SGD([leaf], lr=1.0).step()


def rows() -> List[Row]:
    """The whole table."""
    from . import torch_algebra, torch_layers, torch_pointwise, torch_training

    return [*torch_algebra.ROWS, *torch_layers.ROWS, *torch_pointwise.ROWS, *torch_training.ROWS]


def call(name: str, *arguments: Any, **options: Any) -> Callable[..., Any]:
    """A function of PyTorch by its name, of one input."""
    exponent, positive = options.pop("exponent", 0), options.pop("positive", False)

    def run(t: Context, dtype: str, shape: Shape) -> Any:
        result = find(t, name)(t.make(dtype, shape, exponent=exponent, positive=positive), *arguments, **options)
        return list(result) if isinstance(result, tuple) else result

    return run


def call2(name: str, exponent: int = 0, positive: bool = False) -> Callable[..., Any]:
    """The same of two inputs of one shape."""
    return lambda t, dtype, shape: find(t, name)(
        *(t.make(dtype, shape, salt=salt, exponent=exponent, positive=positive) for salt in (1, 2))
    )


def find(t: Context, name: str) -> Any:
    """`torch.NAME`, dots and all."""
    found = t.torch
    for part in name.split("."):
        found = getattr(found, part)
    return found
