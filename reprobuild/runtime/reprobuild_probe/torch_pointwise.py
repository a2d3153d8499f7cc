"""Element by element, reductions, generators, order, indices and casts of PyTorch."""

from typing import Any, Callable, Tuple

from .battery import Row, shapes
from .of_torch import FLOATS, HALVES, Context, call, call2

Shape = Tuple[int, ...]
VECTORS = shapes(33, 1000, 40000)
SHORT = shapes(33, 1000)
GRIDS = [(33, 65), (100, 500)]
ALL = (*FLOATS, *HALVES)


def _over(name: str, **options: Any) -> Callable[..., Any]:
    """A reduction over everything, over columns and over rows."""

    def run(t: Context, dtype: str, shape: Shape) -> Any:
        tensor, function = t.make(dtype, shape, exponent=options.get("exponent", 1)), getattr(t.torch, name)
        dims = ((0,), (len(shape) - 1,)) if options.get("dims_only") else ((), (0,), (len(shape) - 1,))
        results = [function(tensor, *dim) for dim in dims]
        return [list(result) if isinstance(result, tuple) else result for result in results]

    return run


def _pow(exponent: float) -> Callable[..., Any]:
    return lambda t, dtype, shape: t.make(dtype, shape, exponent=3, positive=True) ** exponent


def _backward(name: str) -> Callable[..., Any]:
    """An activation and its gradient."""

    def run(t: Context, dtype: str, shape: Shape) -> Any:
        [leaf] = t.leaves(dtype, shape, exponent=2)
        return t.backward(getattr(t.nn, name)(leaf), dtype, [leaf])

    return run


def _foreach(name: str) -> Callable[..., Any]:
    return lambda t, dtype, shape: list(
        getattr(t.torch, name)([t.make(dtype, shape, salt=salt, exponent=3, positive=True) for salt in (1, 2)])
    )


def _three(name: str) -> Callable[..., Any]:
    return lambda t, dtype, shape: getattr(t.torch, name)(
        *(t.make(dtype, shape, salt=salt, exponent=1, positive=True) for salt in (1, 2, 3))
    )


def _drawn(method: str, *arguments: Any) -> Callable[..., Any]:
    def run(t: Context, dtype: str, shape: Shape) -> Any:
        empty = t.torch.zeros(shape, dtype=t.make(dtype, (1,)).dtype, device=t.device)
        return getattr(empty, method)(*arguments, generator=t.generator())

    return run


def _created(name: str, *arguments: Any) -> Callable[..., Any]:
    def run(t: Context, dtype: str, shape: Shape) -> Any:
        kind = t.make(dtype, (1,)).dtype
        return getattr(t.torch, name)(*arguments, shape, generator=t.generator(), dtype=kind, device=t.device)

    return run


def _permutation(t: Context, dtype: str, shape: Shape) -> Any:
    return t.torch.randperm(shape[0], generator=t.generator(), device=t.device)


def _multinomial(t: Context, dtype: str, shape: Shape) -> Any:
    return t.torch.multinomial(t.make(dtype, shape, positive=True), 20, replacement=True, generator=t.generator())


def _bernoulli(t: Context, dtype: str, shape: Shape) -> Any:
    return t.torch.bernoulli(t.make(dtype, shape, positive=True), generator=t.generator())


def _ties(name: str, *arguments: Any, **options: Any) -> Callable[..., Any]:
    """Few different values, so that many are equal."""

    def run(t: Context, dtype: str, shape: Shape) -> Any:
        tensor = t.make("i64", shape, high=17).to(t.make(dtype, (1,)).dtype)
        result = getattr(t.torch, name)(tensor, *arguments, **options)
        return list(result) if isinstance(result, tuple) else result

    return run


def _indices(t: Context, shape: Shape, salt: int = 5) -> Any:
    return t.make("i64", shape, salt=salt, high=61)


def _scatter_add(t: Context, dtype: str, shape: Shape) -> Any:
    zeros = t.make(dtype, (61, *shape[1:])) * 0
    return zeros.scatter_add(0, _indices(t, shape), t.make(dtype, shape, salt=2))


def _scatter_reduce(t: Context, dtype: str, shape: Shape) -> Any:
    ones = t.make(dtype, (61, *shape[1:])) * 0 + 1
    return ones.scatter_reduce(0, _indices(t, shape), t.make(dtype, shape, salt=2), "mean")


def _index_add(t: Context, dtype: str, shape: Shape) -> Any:
    zeros = t.make(dtype, (61, *shape[1:])) * 0
    return zeros.index_add(0, _indices(t, shape[:1]), t.make(dtype, shape, salt=2))


def _index_put(t: Context, dtype: str, shape: Shape) -> Any:
    zeros = t.make(dtype, (61, *shape[1:])) * 0
    return zeros.index_put((_indices(t, shape[:1]),), t.make(dtype, shape, salt=2), accumulate=True)


def _gather(t: Context, dtype: str, shape: Shape) -> Any:
    [leaf] = t.leaves(dtype, (61, *shape[1:]))
    return t.backward(leaf.gather(0, _indices(t, shape)), dtype, [leaf])


def _bincount(t: Context, dtype: str, shape: Shape) -> Any:
    return t.torch.bincount(_indices(t, shape), weights=t.make(dtype, shape, salt=2))


def _cast(target: str) -> Callable[..., Any]:
    return lambda t, dtype, shape: t.make(dtype, shape, exponent=5, high=1 << 30).to(getattr(t.torch, target))


ALONG = ("cumsum", "cumprod", "median", "logsumexp", "max")
ROWS = [
    *(Row(name, call(name, exponent=2), ALL, VECTORS) for name in ("exp", "sigmoid", "tanh", "erf")),
    *(Row(name, call(name, exponent=2), FLOATS, SHORT) for name in (
        "sin", "cos", "tan", "sinh", "cosh", "atan", "asinh", "exp2", "expm1", "erfc", "abs", "round",
    )),
    *(Row(name, call(name), FLOATS, SHORT) for name in ("asin", "acos", "atanh", "erfinv")),
    *(Row(name, call(name, exponent=4, positive=True), ALL, VECTORS) for name in ("log", "sqrt", "rsqrt")),
    *(Row(name, call(name, exponent=4, positive=True), FLOATS, SHORT) for name in (
        "log2", "log10", "log1p", "reciprocal", "lgamma", "digamma", "special.i0", "special.ndtri",
    )),
    *(Row("pow.%s" % exponent, _pow(exponent), FLOATS, VECTORS) for exponent in (0.5, 2, 3, -0.5, -1, 1.7)),
    Row("pow", call2("pow", 2, True), ALL, VECTORS),
    *(Row(name, call2(name, 2, True), ALL, SHORT) for name in ("add", "mul", "div", "fmod", "remainder")),
    *(Row(name, call2(name, 2), FLOATS, SHORT) for name in ("atan2", "hypot", "logaddexp", "maximum", "copysign")),
    *(Row(name, _three(name), FLOATS, SHORT) for name in ("addcdiv", "addcmul", "lerp")),
    *(Row(name, _foreach(name), FLOATS, SHORT) for name in ("_foreach_sqrt", "_foreach_exp", "_foreach_norm")),
    *(Row(name, _backward(name), ("f32", "bf16"), SHORT) for name in (
        "gelu", "silu", "softplus", "elu", "mish", "logsigmoid", "hardswish", "leaky_relu", "selu",
    )),
    *(Row(name, _over(name), ALL, [*GRIDS, (40000,)]) for name in ("sum", "mean")),
    *(Row(name, _over(name), FLOATS, GRIDS) for name in ("std", "var", "amax", "argmax", "nansum")),
    Row("prod", _over("prod", exponent=0), FLOATS, GRIDS),
    *(Row(name, _over(name, dims_only=True), FLOATS, GRIDS) for name in ALONG),
    *(Row(name, call(name, -1, exponent=3), ALL, GRIDS) for name in ("softmax", "log_softmax")),
    *(Row("norm.%s" % order, call("linalg.vector_norm", order), FLOATS, [*GRIDS, (40000,)]) for order in (1, 2, 3)),
    Row("rand", _created("rand"), ALL, SHORT),
    Row("randn", _created("randn"), ALL, shapes(7, 33, 1000)),
    Row("randint", _created("randint", 1000), ("i64",), SHORT),
    Row("randperm", _permutation, ("i64",), SHORT),
    *(Row("random." + name, _drawn(name + "_", *arguments), FLOATS, SHORT) for name, arguments in (
        ("normal", (1.0, 2.0)), ("uniform", (-1.0, 1.0)), ("exponential", (1.5,)), ("cauchy", ()), ("log_normal", ()),
        ("geometric", (0.3,)), ("bernoulli", (0.3,)),
    )),
    Row("multinomial", _multinomial, FLOATS, [(5, 30), (20, 100)]),
    Row("bernoulli", _bernoulli, FLOATS, SHORT),
    *(Row(name, _ties(name, stable=True), ("f32", "f64", "i32"), SHORT) for name in ("sort", "argsort")),
    Row("sort.unstable", _ties("sort"), ("f32", "i32"), SHORT),
    Row("topk", _ties("topk", 20), ("f32", "f64", "bf16"), SHORT),
    Row("kthvalue", _ties("kthvalue", 20), ("f32", "f64"), SHORT),
    Row("unique", _ties("unique", return_counts=True), ("f32", "i64"), SHORT),
    Row("scatter_add", _scatter_add, ("f32", "f64", "bf16"), [(100,), (500, 8)]),
    Row("scatter_reduce", _scatter_reduce, FLOATS, [(100,), (500, 8)]),
    Row("index_add", _index_add, ("f32", "f64", "bf16"), [(100,), (500, 8), (2000, 33)]),
    Row("index_put", _index_put, FLOATS, [(100,), (500, 8), (2000, 33)]),
    Row("gather", _gather, FLOATS, [(100,), (500, 8)]),
    Row("bincount", _bincount, FLOATS, shapes(100, 5000)),
    Row("histc", call("histc", 20, -1.0, 1.0), FLOATS, SHORT),
    *(Row("cast." + target, _cast(target), (source,), SHORT) for source, target in (
        ("f32", "bfloat16"), ("f32", "float16"), ("f64", "float32"), ("f64", "bfloat16"), ("f64", "float16"),
        ("f32", "int32"), ("bf16", "float32"), ("f16", "float32"), ("i64", "float32"), ("i32", "bfloat16"),
    )),
]  # fmt: skip
