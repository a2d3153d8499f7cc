"""A call of one of PyTorch's operations as a signature: what decides its bits, so that it can be made again.

Two calls have one signature when operation, types, shapes, strides, devices and all other arguments agree.
"""

from typing import Any, Dict, Hashable, List, Tuple

NO_ARITHMETIC = frozenset(
    "aten::" + name
    for name in (
        *("_local_scalar_dense", "_reshape_alias", "_resize_output_", "_unsafe_view", "alias", "cat", "clone", "data"),
        *("detach", "detach_", "empty", "empty_like", "empty_strided", "is_same_size", "lift", "lift_fresh"),
        *("new_empty", "new_empty_strided", "new_ones", "new_zeros", "ones", "ones_like", "record_stream", "resize_"),
        *("resize_as_", "set_", "set_data", "stack", "zero_", "zeros", "zeros_like"),
    )
)
"""They hand on, name or reserve numbers and round none; neither does a view, which its schema tells."""
NO_ARITHMETIC_IN = ("prim", "profiler")
EXCHANGES = ("c10d", "_c10d_functional")
"""Between processes: on CPUs plain additions (IEEE 754), in an order that follows from the number of processes."""
OVERWRITTEN = frozenset(("copy_", "fill_", "zero_", "normal_", "uniform_", "random_", "bernoulli_", "exponential_"))
"""Their first input is written and never read: what it happens to hold says nothing."""
ENOUGH = 1 << 16
"""Elements of a tensor that are looked at for its range."""
PLAIN = 16
"""Floating-point arguments that are a multiple of one half and no larger count as they are (`pow(x, 0.5)`)."""


class Unknown(Exception):
    """An argument that cannot be told as JSON."""


def computes(operation: Any) -> bool:
    """Whether an operation computes anything; a view only names what is there (all it returns is an alias of it)."""
    schema = operation._schema
    if schema.name in NO_ARITHMETIC or schema.name.partition("::")[0] in NO_ARITHMETIC_IN:
        return False
    aliases = [value.alias_info for value in schema.returns]
    return not aliases or not all(alias is not None and not alias.is_write for alias in aliases)


def identity(tensor: Any, args: Tuple[Any, ...], options: Dict[str, Any]) -> Hashable:
    """What tells two calls of an operation apart; `tensor` is PyTorch's class."""
    if not options:
        return tuple([_identity(tensor, value) for value in args])
    named = [(name, _identity(tensor, options[name])) for name in sorted(options)]
    return (tuple([_identity(tensor, value) for value in args]), tuple(named))


def _identity(tensor: Any, value: Any) -> Hashable:
    if isinstance(value, tensor):
        try:
            return (value.dtype, value.shape, value.stride(), value.device.type)
        except (RuntimeError, NotImplementedError):  # a sparse tensor has no strides
            return (value.dtype, value.shape, value.layout, value.device.type)
    if isinstance(value, (list, tuple)):
        return tuple([_identity(tensor, item) for item in value])
    if isinstance(value, float):
        return value if _plain(value) else "number"  # a learning rate that changes each step makes no new signature
    # True, 1 and 1.0 are equal, and are other arguments.
    return (type(value), value) if isinstance(value, (bool, int, str)) or value is None else str(value)


def _plain(value: float) -> bool:
    return abs(value) <= PLAIN and (2 * value).is_integer()


def describe(
    torch: Any, operation: Any, args: Tuple[Any, ...], options: Dict[str, Any], ranged: bool = True
) -> Dict[str, Any]:
    """The call as JSON values; Unknown for one that cannot be made again from them."""
    first = 1 if operation._schema.name.partition("::")[2] in OVERWRITTEN else 0
    return {
        "operation": title(operation),
        "inputs": [_describe(torch, value, ranged and place >= first) for place, value in enumerate(args)],
        "options": {key: _describe(torch, options[key], ranged and key != "out") for key in sorted(options)},
    }


def is_captured(torch: Any, tensors: List[Any]) -> bool:
    """Whether the call only becomes a part of a GPU's graph: to wait for a number would spoil that.

    https://docs.pytorch.org/docs/stable/notes/cuda.html#constraints
    """
    on_gpu = any(tensor.device.type == "cuda" for tensor in tensors)
    return on_gpu and bool(torch.cuda.is_current_stream_capturing())


def title(operation: Any) -> str:
    """The operation's name with its overload: `aten::add.Tensor`."""
    return "%s.%s" % (operation._schema.name, operation._schema.overload_name or "default")


def _describe(torch: Any, value: Any, ranged: bool) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, torch.Tensor):
        return _tensor(torch, value, ranged)
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, complex):
        return {"complex": [value.real.hex(), value.imag.hex()]}
    if isinstance(value, (list, tuple)):
        return [_describe(torch, item, ranged) for item in value]
    for kind in ("dtype", "layout", "memory_format"):
        if isinstance(value, getattr(torch, kind)):
            return {kind: str(value).rpartition(".")[2]}
    if isinstance(value, torch.device):
        return {"device": value.type}
    if isinstance(value, torch.Generator):
        return {"generator": value.device.type}
    raise Unknown("an argument of type %s" % type(value).__name__)


def _tensor(torch: Any, tensor: Any, ranged: bool) -> Dict[str, Any]:
    if hasattr(type(tensor).__torch_dispatch__, "__func__"):  # a class that makes other operations of it
        raise Unknown("a tensor of type %s" % type(tensor).__name__)
    if tensor.layout is not torch.strided:
        raise Unknown("a tensor of layout %s" % str(tensor.layout).rpartition(".")[2])
    if tensor.is_quantized:
        raise Unknown("a quantized tensor")
    found = {
        "tensor": str(tensor.dtype).rpartition(".")[2],
        "shape": list(tensor.shape),
        "strides": list(tensor.stride()),
        "device": tensor.device.type,
    }
    if ranged and tensor.numel():
        found.update(_range(torch, _some(tensor.detach())))
    return found


def _range(torch: Any, tensor: Any) -> Dict[str, Any]:
    """Of integers, also those that are kept as floating-point numbers, the least and greatest; else the magnitude."""
    if tensor.dtype is torch.bool or tensor.is_complex():
        return {}
    try:
        least, greatest = [value.item() for value in tensor.aminmax()]
        if not least - least == greatest - greatest == 0:  # NaN, infinities
            return {}
        if not tensor.is_floating_point() or (abs(least) + abs(greatest) < 1 << 20 and _whole(tensor)):
            return {"low": int(least), "high": int(greatest)}
    except (RuntimeError, NotImplementedError, TypeError):  # a type that has no such operation
        return {}
    import math

    return {"exponent": math.frexp(max(abs(least), abs(greatest)))[1], "positive": least >= 0}


def _some(tensor: Any) -> Any:
    """A part of a large tensor, without a copy."""
    for dimension, size in enumerate(tensor.shape):
        if tensor.numel() <= ENOUGH:
            break
        tensor = tensor.narrow(dimension, 0, max(1, size * ENOUGH // tensor.numel()))
    return tensor


def _whole(tensor: Any) -> bool:
    return bool((tensor == tensor.trunc()).all())


def widen(known: Any, seen: Any) -> None:
    """Let the ranges in a description take in those of another call of the same signature."""
    if isinstance(known, dict) and "tensor" in known:
        _widen(known, seen)
    elif isinstance(known, dict):
        for name in known:
            widen(known[name], seen[name])
    elif isinstance(known, list):
        for left, right in zip(known, seen):
            widen(left, right)


def _widen(known: Dict[str, Any], seen: Dict[str, Any]) -> None:
    if "low" in known and "low" in seen:
        known.update(low=min(known["low"], seen["low"]), high=max(known["high"], seen["high"]))
        return
    sides = [_magnitude(side) for side in (known, seen) if {"low", "exponent"} & side.keys()]
    for name in ("low", "high"):
        known.pop(name, None)
    if sides:
        known.update(exponent=max(side[0] for side in sides), positive=all(side[1] for side in sides))


def _magnitude(side: Dict[str, Any]) -> Tuple[int, bool]:
    if "low" in side:
        return max(abs(side["low"]), abs(side["high"])).bit_length(), side["low"] >= 0
    return side["exponent"], side["positive"]


def tensors(tensor: Any, args: Tuple[Any, ...], options: Dict[str, Any]) -> List[Any]:
    """All tensors among the arguments of a call."""
    found: List[Any] = []
    for value in (*args, *options.values()):
        if isinstance(value, tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += tensors(tensor, tuple(value), {})
    return found
