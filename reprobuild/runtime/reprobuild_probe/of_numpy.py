"""NumPy: its own loops, its generators, and the linear algebra that it takes from OpenBLAS or MKL."""

from typing import Any, Callable, Tuple

from .battery import Row, shapes
from .inputs import Inputs

Shape = Tuple[int, ...]
FLOATS = ("f32", "f64")
VECTORS = shapes(33, 1000)
LONG = shapes(9000)
"""Longer than what NumPy buffers at a time, which is 8192 elements."""
GRIDS = [(33, 65), (20, 500)]
SQUARES = [(33, 33), (64, 64)]
PRODUCTS = [(5, 7, 3), (33, 33, 33), (64, 64, 64), (24, 384, 40), (256, 64, 96), (384, 256, 16), (128, 1000, 10)]
"""Small, and as long in each direction as the blocks that a BLAS cuts matrices into."""


class Context:
    """NumPy's module and its inputs."""

    def __init__(self, numpy: Any) -> None:
        self.numpy, self.make = numpy, Inputs(numpy).make


def _unary(name: str, exponent: int = 2, positive: bool = False) -> Callable[..., Any]:
    return lambda n, dtype, shape: getattr(n.numpy, name)(n.make(dtype, shape, exponent=exponent, positive=positive))


def _binary(name: str, exponent: int = 2, positive: bool = False) -> Callable[..., Any]:
    return lambda n, dtype, shape: getattr(n.numpy, name)(
        *(n.make(dtype, shape, salt=salt, exponent=exponent, positive=positive) for salt in (1, 2))
    )


def _reduced(name: str, exponent: int = 2) -> Callable[..., Any]:
    """Over everything, over columns and over rows."""

    def run(n: Context, dtype: str, shape: Shape) -> Any:
        array, function = n.make(dtype, shape, exponent=exponent), getattr(n.numpy, name)
        return [function(array), function(array, axis=0), function(array, axis=-1)]

    return run


def _matmul(n: Context, dtype: str, shape: Shape) -> Any:
    rows, inner, columns = shape
    return n.make(dtype, (rows, inner), salt=1) @ n.make(dtype, (inner, columns), salt=2)


def _transposed(n: Context, dtype: str, shape: Shape) -> Any:
    rows, inner, columns = shape
    return n.make(dtype, (inner, rows), salt=1).T @ n.make(dtype, (columns, inner), salt=2).T


def _gram(n: Context, dtype: str, shape: Shape) -> Any:
    array = n.make(dtype, shape)
    return array @ array.T


def _matvec(n: Context, dtype: str, shape: Shape) -> Any:
    return n.make(dtype, shape, salt=1) @ n.make(dtype, shape[1:], salt=2)


def _einsum(n: Context, dtype: str, shape: Shape) -> Any:
    return n.numpy.einsum("ij,kj->ik", n.make(dtype, shape, salt=1), n.make(dtype, shape, salt=2))


def definite(n: Context, dtype: str, shape: Shape) -> Any:
    """A symmetric positive definite matrix: small symmetric integers, and a heavy diagonal."""
    size = shape[0]
    whole = n.make("i32", shape, low=-8, high=8).astype("f" + str(int(dtype[1:]) // 8))
    return (whole + whole.T) / 2 + n.numpy.eye(size, dtype=whole.dtype) * (16 * size)


def _linalg(name: str, symmetric: bool = False, select: Callable[[Any], Any] = tuple) -> Callable[..., Any]:
    def run(n: Context, dtype: str, shape: Shape) -> Any:
        array = definite(n, dtype, shape) if symmetric else n.make(dtype, shape)
        result = getattr(n.numpy.linalg, name)(array)
        return result if hasattr(result, "tobytes") else select(result)

    return run


def _solve(n: Context, dtype: str, shape: Shape) -> Any:
    return n.numpy.linalg.solve(n.make(dtype, shape, salt=1), n.make(dtype, (shape[0], 3), salt=2))


def _lstsq(n: Context, dtype: str, shape: Shape) -> Any:
    return n.numpy.linalg.lstsq(n.make(dtype, shape, salt=1), n.make(dtype, shape[:1], salt=2), rcond=None)[0]


def _fft(name: str, dtype_of: str = "") -> Callable[..., Any]:
    return lambda n, dtype, shape: getattr(n.numpy.fft, name)(n.make(dtype_of or dtype, shape))


def _drawn(name: str, *arguments: Any) -> Callable[..., Any]:
    def run(n: Context, dtype: str, shape: Shape) -> Any:
        generator = n.numpy.random.Generator(n.numpy.random.PCG64(20260101))
        return getattr(generator, name)(*arguments, size=shape)

    return run


def _legacy(name: str, *arguments: Any) -> Callable[..., Any]:
    return lambda n, dtype, shape: getattr(n.numpy.random.RandomState(20260101), name)(*arguments, size=shape)


def _ties(name: str, *arguments: Any) -> Callable[..., Any]:
    """Few different values, so that many are equal."""
    return lambda n, dtype, shape: getattr(n.numpy, name)(n.make("i32", shape, high=17).astype(dtype), *arguments)


def _scatter(n: Context, dtype: str, shape: Shape) -> Any:
    target = n.numpy.zeros(61, dtype=n.make(dtype, (1,)).dtype)
    n.numpy.add.at(target, n.make("i64", shape, high=61), n.make(dtype, shape, salt=2))
    return target


def _reduceat(n: Context, dtype: str, shape: Shape) -> Any:
    return n.numpy.add.reduceat(n.make(dtype, shape), [0, 5, 6, 20])


def _bincount(n: Context, dtype: str, shape: Shape) -> Any:
    return n.numpy.bincount(n.make("i64", shape, high=61), weights=n.make(dtype, shape, salt=2))


def _cast(source: str, target: str) -> Callable[..., Any]:
    return lambda n, dtype, shape: n.make(source, shape, exponent=5, high=1 << 30).astype(target)


def _softmax(n: Context, dtype: str, shape: Shape) -> Any:
    scores = n.make(dtype, shape, exponent=3)
    powers = n.numpy.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _interpolate(n: Context, dtype: str, shape: Shape) -> Any:
    places = n.numpy.arange(17, dtype="float64")
    return n.numpy.interp(n.make("f64", shape, exponent=4, positive=True), places, n.make("f64", (17,), salt=2))


def _convolve(n: Context, dtype: str, shape: Shape) -> Any:
    return n.numpy.convolve(n.make(dtype, shape, salt=1), n.make(dtype, (31,), salt=2))


HALF = ("f16", *FLOATS)
TIED = ("float32", "float64", "int32")
ROWS = [
    *(Row(name, _unary(name), HALF, VECTORS) for name in ("exp", "exp2", "expm1", "sin", "cos", "tan", "tanh", "sinh")),
    *(Row(name, _unary(name), FLOATS, VECTORS) for name in ("cosh", "arctan", "arcsinh", "cbrt", "rint", "square")),
    *(Row(name, _unary(name, 0), FLOATS, VECTORS) for name in ("arcsin", "arccos", "arctanh")),
    *(Row(name, _unary(name, 4, True), HALF, VECTORS) for name in ("sqrt", "log", "log2", "log10", "log1p")),
    Row("reciprocal", _unary("reciprocal", 0, True), FLOATS, VECTORS),
    *(Row(name, _binary(name), HALF, VECTORS) for name in ("multiply", "add")),
    *(Row(name, _binary(name, 2, True), HALF, VECTORS) for name in ("divide", "power", "fmod", "floor_divide")),
    *(Row(name, _binary(name), FLOATS, VECTORS) for name in ("arctan2", "hypot", "logaddexp", "maximum")),
    *(Row(name, _reduced(name), HALF, [*GRIDS, *LONG]) for name in ("sum", "mean", "std")),
    *(Row(name, _reduced(name), FLOATS, GRIDS) for name in ("var", "cumsum", "argmax", "median", "ptp")),
    Row("prod", _reduced("prod", 0), FLOATS, GRIDS),
    Row("softmax", _softmax, FLOATS, GRIDS),
    Row("dot", lambda n, dtype, shape: n.numpy.dot(n.make(dtype, shape, salt=1), n.make(dtype, shape, salt=2)),
        (*FLOATS, "c128"), shapes(33, 256, 512, 1000, 9000)),
    Row("matmul", _matmul, FLOATS, PRODUCTS),
    Row("matmul", _matmul, ("f32",), [(256, 256, 256)]),
    Row("matmul", _matmul, ("c64", "f16"), [(33, 33, 33), (64, 64, 64)]),
    Row("matmul.transposed", _transposed, FLOATS, [(33, 33, 33), (64, 100, 30), (64, 256, 96)]),
    Row("matmul.gram", _gram, FLOATS, [(33, 65), (128, 256)]),
    Row("matvec", _matvec, FLOATS, [(33, 65), (256, 256), (1000, 129)]),
    Row("einsum", _einsum, FLOATS, [(33, 65), (60, 100)]),
    Row("outer", _binary("outer"), FLOATS, shapes(33, 100)),
    Row("inner", _binary("inner"), FLOATS, shapes(33, 1000)),
    Row("linalg.cholesky", _linalg("cholesky", True), FLOATS, [*SQUARES, (129, 129)]),
    Row("linalg.eigh", _linalg("eigh", True), FLOATS, [(8, 8), (33, 33), (64, 64)]),
    Row("linalg.eigvals", _linalg("eigvals", True), ("f64",), [(8, 8), (33, 33)]),
    Row("linalg.qr", _linalg("qr"), FLOATS, [(8, 8), (33, 33), (100, 64)]),
    Row("linalg.svd", _linalg("svd"), FLOATS, [(8, 8), (33, 33), (64, 64)]),
    Row("linalg.inv", _linalg("inv"), FLOATS, [*SQUARES, (129, 129)]),
    Row("linalg.det", _linalg("det"), FLOATS, [(8, 8), (33, 33), (64, 64)]),
    Row("linalg.norm", _linalg("norm"), FLOATS, [(33, 65), (256, 256)]),
    Row("linalg.pinv", _linalg("pinv"), ("f64",), [(8, 8), (33, 20)]),
    Row("linalg.solve", _solve, FLOATS, [*SQUARES, (129, 129)]),
    Row("linalg.lstsq", _lstsq, FLOATS, [(33, 8), (200, 20)]),
    Row("fft.fft", _fft("fft"), (*FLOATS, "c128"), shapes(64, 100, 1009, 4096)),
    Row("fft.rfft", _fft("rfft"), FLOATS, shapes(64, 100, 1009, 4096)),
    Row("fft.irfft", _fft("irfft"), ("c128",), shapes(33, 100)),
    Row("fft.fft2", _fft("fft2"), ("f64",), [(16, 16), (30, 50)]),
    *(Row("random." + name, _drawn(name, *arguments), ("f64",), shapes(100, 5000)) for name, arguments in (
        ("random", ()), ("standard_normal", ()), ("standard_exponential", ()), ("standard_gamma", (2.5,)),
        ("beta", (2.0, 3.0)), ("binomial", (20, 0.3)), ("poisson", (4.0,)), ("integers", (0, 1000)),
        ("lognormal", ()), ("laplace", ()), ("standard_t", (3.0,)), ("gumbel", ()),
    )),
    *(Row("random.legacy." + name, _legacy(name, *arguments), ("f64",), shapes(100, 5000)) for name, arguments in (
        ("random_sample", ()), ("standard_normal", ()), ("randint", (0, 1000)), ("gamma", (2.5,)),
        ("binomial", (20, 0.3)), ("exponential", ()), ("vonmises", (0.0, 4.0)),
    )),
    Row("random.permutation", lambda n, dtype, shape: n.numpy.random.RandomState(3).permutation(shape[0]),
        ("i64",), shapes(100, 5000)),
    *(Row(name, _ties(name), TIED, shapes(33, 1000, 5000)) for name in ("argsort", "sort", "unique")),
    Row("argpartition", _ties("argpartition", 10), TIED, shapes(33, 1000)),
    Row("sort.values", _unary("sort"), HALF, [*VECTORS, *LONG]),
    Row("add.at", _scatter, FLOATS, shapes(100, 5000)),
    Row("add.reduceat", _reduceat, FLOATS, shapes(100, 5000)),
    Row("bincount", _bincount, ("f64",), shapes(100, 5000)),
    *(Row("cast." + target, _cast(source, target), (source,), shapes(33, 1000)) for source, target in (
        ("f32", "float16"), ("f64", "float16"), ("f64", "float32"), ("f32", "int32"), ("f64", "int64"),
        ("f16", "float32"), ("i64", "float32"), ("i64", "float64"), ("i32", "float32"),
    )),
    Row("interp", _interpolate, ("f64",), shapes(33, 1000)),
    Row("convolve", _convolve, FLOATS, shapes(64, 1000)),
]  # fmt: skip
