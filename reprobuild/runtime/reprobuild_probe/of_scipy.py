"""SciPy: linear algebra on an OpenBLAS of its own, special functions, transforms, sparse matrices, optimisers."""

from typing import Any, Callable, Tuple

from .battery import Row, shapes
from .of_numpy import Context as Numpy
from .of_numpy import definite

Shape = Tuple[int, ...]
FLOATS = ("f32", "f64")
VECTORS = shapes(33, 1000)
SQUARES = [(8, 8), (33, 33), (70, 70)]
PARTS = (
    "special", "linalg", "linalg.blas", "fft", "sparse", "sparse.linalg", "optimize", "spatial.distance", "ndimage",
)  # fmt: skip


class Context(Numpy):
    """SciPy's parts, imported when a row asks for one."""

    def part(self, name: str) -> Any:
        """The module `scipy.NAME`."""
        import importlib

        return importlib.import_module("scipy." + name)

    def load(self) -> None:
        """Import all parts, so that what their rows take is what they compute."""
        for name in PARTS:
            self.part(name)


def _special(name: str, exponent: int = 2, positive: bool = False) -> Callable[..., Any]:
    return lambda s, dtype, shape: getattr(s.part("special"), name)(
        s.make(dtype, shape, exponent=exponent, positive=positive)
    )


def _special2(name: str) -> Callable[..., Any]:
    return lambda s, dtype, shape: getattr(s.part("special"), name)(
        s.make(dtype, shape, salt=1, exponent=2, positive=True), s.make(dtype, shape, salt=2, positive=True)
    )


def _linalg(name: str, symmetric: bool = False, **options: Any) -> Callable[..., Any]:
    def run(s: Context, dtype: str, shape: Shape) -> Any:
        array = definite(s, dtype, shape) if symmetric else s.make(dtype, shape)
        result = getattr(s.part("linalg"), name)(array, **options)
        return list(result) if isinstance(result, tuple) else result

    return run


def _solve(name: str, symmetric: bool = False, **options: Any) -> Callable[..., Any]:
    def run(s: Context, dtype: str, shape: Shape) -> Any:
        array = definite(s, dtype, shape) if symmetric else s.make(dtype, shape, salt=1)
        return getattr(s.part("linalg"), name)(array, s.make(dtype, (shape[0], 3), salt=2), **options)

    return run


def _blas(name: str, *shaped: int) -> Callable[..., Any]:
    """A function of BLAS, on a matrix of each given number of dimensions."""

    def run(s: Context, dtype: str, shape: Shape) -> Any:
        function = getattr(s.part("linalg.blas"), ("s" if dtype == "f32" else "d") + name)
        arrays = [s.make(dtype, shape[:1] * dimensions, salt=place) for place, dimensions in enumerate(shaped)]
        scale = [1.5] if name.startswith(("gem", "sy", "trsm")) else []
        return function(*scale, *arrays)

    return run


def _rows(name: str) -> Callable[..., Any]:
    return lambda s, dtype, shape: getattr(s.part("special"), name)(s.make(dtype, shape, exponent=3), axis=-1)


def _lstsq(s: Context, dtype: str, shape: Shape) -> Any:
    return s.part("linalg").lstsq(s.make(dtype, shape, salt=1), s.make(dtype, shape[:1], salt=2))[0]


def _triangular(s: Context, dtype: str, shape: Shape) -> Any:
    array = definite(s, dtype, shape)
    return s.part("linalg").solve_triangular(array, s.make(dtype, (shape[0], 3), salt=2), lower=True)


def _transform(name: str, **options: Any) -> Callable[..., Any]:
    return lambda s, dtype, shape: getattr(s.part("fft"), name)(s.make(dtype, shape), **options)


def _sparse(s: Context, dtype: str, shape: Shape) -> Any:
    rows, columns = shape
    dense = s.make(dtype, shape) * s.make("bool", shape, salt=3)
    matrix = s.part("sparse").csr_matrix(dense)
    return [matrix @ s.make(dtype, (columns, 5), salt=2), matrix.T @ s.make(dtype, (rows,), salt=4), matrix.sum()]


def _sparse_solve(s: Context, dtype: str, shape: Shape) -> Any:
    matrix = s.part("sparse").csc_matrix(definite(s, dtype, shape))
    return s.part("sparse.linalg").spsolve(matrix, s.make(dtype, shape[:1], salt=2))


def _conjugate(s: Context, dtype: str, shape: Shape) -> Any:
    return s.part("sparse.linalg").cg(definite(s, dtype, shape), s.make(dtype, shape[:1], salt=2), maxiter=5)[0]


def _minimise(method: str) -> Callable[..., Any]:
    def run(s: Context, dtype: str, shape: Shape) -> Any:
        target = s.make("f64", shape, salt=1)

        def loss(point: Any) -> Any:
            away = point - target
            return float((away**2).sum() + 0.1 * (away**4).sum()), 2 * away + 0.4 * away**3

        return (
            s.part("optimize")
            .minimize(loss, s.make("f64", shape, salt=2), jac=True, method=method, options={"maxiter": 8})
            .x
        )

    return run


def _distances(metric: str) -> Callable[..., Any]:
    return lambda s, dtype, shape: s.part("spatial.distance").cdist(
        s.make(dtype, shape, salt=1), s.make(dtype, shape, salt=2), metric
    )


def _filtered(s: Context, dtype: str, shape: Shape) -> Any:
    return s.part("ndimage").gaussian_filter(s.make(dtype, shape), 1.5)


METRICS = ("euclidean", "cosine", "correlation")
ROWWISE = ("softmax", "log_softmax", "logsumexp")
ROWS = [
    *(Row("special." + name, _special(name), FLOATS, VECTORS) for name in (
        "erf", "erfc", "erfcx", "expit", "exp2", "expm1", "sinc", "j0", "j1", "i0", "i0e", "log_ndtr", "ndtr", "cosm1",
    )),
    *(Row("special." + name, _special(name, 4, True), FLOATS, VECTORS) for name in (
        "gamma", "gammaln", "digamma", "y0", "y1", "k0", "k1", "log1p", "entr", "exp1", "zeta",
    )),
    *(Row("special." + name, _special(name, 0, True), FLOATS, VECTORS) for name in ("logit", "ndtri", "erfinv")),
    *(Row("special." + name, _special2(name), FLOATS, VECTORS) for name in (
        "gammainc", "beta", "jv", "kv", "xlogy", "rel_entr", "hyp0f1",
    )),
    *(Row("special." + name, _rows(name), FLOATS, [(33, 65), (60, 100)]) for name in ROWWISE),
    Row("linalg.lu", _linalg("lu"), FLOATS, SQUARES),
    Row("linalg.qr", _linalg("qr"), FLOATS, SQUARES),
    Row("linalg.svd", _linalg("svd"), FLOATS, [(8, 8), (33, 33), (64, 64)]),
    Row("linalg.svdvals", _linalg("svdvals"), FLOATS, [(8, 8), (64, 64)]),
    Row("linalg.eigh", _linalg("eigh", True), FLOATS, [(8, 8), (33, 33), (64, 64)]),
    Row("linalg.eigvalsh", _linalg("eigvalsh", True), FLOATS, SQUARES),
    Row("linalg.schur", _linalg("schur", True), ("f64",), [(8, 8), (33, 33)]),
    Row("linalg.cholesky", _linalg("cholesky", True), FLOATS, SQUARES),
    Row("linalg.inv", _linalg("inv"), FLOATS, SQUARES),
    Row("linalg.det", _linalg("det"), FLOATS, SQUARES),
    Row("linalg.expm", _linalg("expm"), ("f64",), [(8, 8), (33, 33)]),
    Row("linalg.norm", _linalg("norm"), FLOATS, SQUARES),
    Row("linalg.solve", _solve("solve"), FLOATS, SQUARES),
    Row("linalg.solve.definite", _solve("solve", True, assume_a="pos"), FLOATS, SQUARES),
    Row("linalg.lstsq", _lstsq, FLOATS, [(33, 8), (100, 20)]),
    Row("linalg.solve_triangular", _triangular, FLOATS, SQUARES),
    Row("blas.gemm", _blas("gemm", 2, 2), FLOATS, shapes(33, 64, 130)),
    Row("blas.gemv", _blas("gemv", 2, 1), FLOATS, shapes(33, 256)),
    Row("blas.syrk", _blas("syrk", 2), FLOATS, shapes(33, 100)),
    Row("blas.trsm", _blas("trsm", 2, 2), FLOATS, shapes(16,)),
    Row("blas.dot", _blas("dot", 1, 1), FLOATS, shapes(256, 512, 1000)),
    Row("blas.nrm2", _blas("nrm2", 1), FLOATS, shapes(256, 512, 1000)),
    Row("blas.asum", _blas("asum", 1), FLOATS, shapes(256, 512, 1000)),
    Row("fft.fft", _transform("fft"), FLOATS, shapes(64, 100, 1009)),
    Row("fft.rfft", _transform("rfft"), FLOATS, shapes(64, 100, 1009)),
    Row("fft.fft2", _transform("fft2"), FLOATS, [(16, 16), (30, 50)]),
    Row("fft.dct", _transform("dct", type=2), FLOATS, shapes(64, 100, 1009)),
    Row("fft.dst", _transform("dst", type=2), FLOATS, shapes(64, 100)),
    Row("sparse.matmul", _sparse, FLOATS, [(33, 65), (100, 80)]),
    Row("sparse.spsolve", _sparse_solve, ("f64",), [(8, 8), (33, 33)]),
    Row("sparse.cg", _conjugate, ("f64",), [(8, 8), (33, 33)]),
    *(Row("optimize." + name, _minimise(name), ("f64",), shapes(4, 20)) for name in ("L-BFGS-B", "BFGS", "CG")),
    *(Row("spatial.cdist." + name, _distances(name), ("f64",), [(33, 8), (60, 17)]) for name in METRICS),
    Row("ndimage.gaussian", _filtered, FLOATS, [(33, 33), (64, 64)]),
]  # fmt: skip
