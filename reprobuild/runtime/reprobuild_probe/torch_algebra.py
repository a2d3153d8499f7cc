"""Matrix products, linear algebra and Fourier transforms of PyTorch."""

from typing import Any, Callable, Tuple

from .battery import Row, shapes
from .of_torch import FLOATS, Context, call, call2, find

Shape = Tuple[int, ...]
PRODUCTS = [(5, 7, 3), (33, 33, 33), (64, 64, 64), (24, 384, 40), (256, 64, 96), (384, 256, 16), (128, 1000, 10)]
SQUARES = [(8, 8), (33, 33), (70, 70)]


def _product(name: str) -> Callable[..., Any]:
    """Of matrices `rows x inner` and `inner x columns`, and a vector where the operation adds one."""

    def run(t: Context, dtype: str, shape: Shape) -> Any:
        rows, inner, columns = shape
        one, other = t.make(dtype, (rows, inner), salt=1), t.make(dtype, (inner, columns), salt=2)
        added = [t.make(dtype, (columns,), salt=3)] if name.startswith("add") else []
        return getattr(t.torch, name)(*added, one, other)

    return run


def _transposed(t: Context, dtype: str, shape: Shape) -> Any:
    rows, inner, columns = shape
    return t.make(dtype, (inner, rows), salt=1).t() @ t.make(dtype, (columns, inner), salt=2).t()


def _batched(t: Context, dtype: str, shape: Shape) -> Any:
    batch, rows, inner, columns = shape
    return t.torch.bmm(t.make(dtype, (batch, rows, inner), salt=1), t.make(dtype, (batch, inner, columns), salt=2))


def _einsum(t: Context, dtype: str, shape: Shape) -> Any:
    return t.torch.einsum("bij,bkj->bik", t.make(dtype, shape, salt=1), t.make(dtype, shape, salt=2))


def _matvec(t: Context, dtype: str, shape: Shape) -> Any:
    return t.torch.mv(t.make(dtype, shape, salt=1), t.make(dtype, shape[1:], salt=2))


def _windows(t: Context, dtype: str, shape: Shape) -> Any:
    window = t.make(dtype, (64,), salt=2, positive=True)
    return t.torch.stft(t.make(dtype, shape), 64, window=window, return_complex=True)


def _integers(t: Context, dtype: str, shape: Shape) -> Any:
    one, other = (t.make("i8", shape, salt=salt, low=-127, high=128) for salt in (1, 2))
    return t.torch._int_mm(one, other)


def definite(t: Context, dtype: str, shape: Shape) -> Any:
    """A symmetric positive definite matrix: small symmetric integers, and a heavy diagonal."""
    whole = t.make("i64", shape, low=-8, high=8).to(t.make(dtype, (1,)).dtype)
    return (whole + whole.t()) / 2 + t.torch.eye(shape[0], dtype=whole.dtype, device=t.device) * (16 * shape[0])


def _symmetric(name: str) -> Callable[..., Any]:
    def run(t: Context, dtype: str, shape: Shape) -> Any:
        result = find(t, name)(definite(t, dtype, shape))
        return list(result) if isinstance(result, tuple) else result

    return run


def _solve(t: Context, dtype: str, shape: Shape) -> Any:
    leaves = t.leaves(dtype, shape, (shape[0], 3))
    return t.backward(t.torch.linalg.solve(*leaves), dtype, leaves)


def _triangular(t: Context, dtype: str, shape: Shape) -> Any:
    right = t.make(dtype, (shape[0], 3), salt=2)
    return t.torch.linalg.solve_triangular(definite(t, dtype, shape).triu(), right, upper=True)


ROWS = [
    Row("matmul", _product("matmul"), FLOATS, PRODUCTS),
    Row("matmul", _product("matmul"), ("f32",), [(256, 256, 256)]),
    Row("matmul", _product("matmul"), ("bf16", "f16"), [(5, 7, 3), (33, 33, 33), (64, 64, 64), (128, 256, 10)]),
    Row("matmul", _product("matmul"), ("c64", "i64"), [(5, 7, 3), (33, 33, 33)]),
    Row("matmul.transposed", _transposed, FLOATS, [(33, 33, 33), (64, 100, 30), (64, 256, 96)]),
    Row("addmm", _product("addmm"), (*FLOATS, "bf16"), [(5, 7, 3), (32, 64, 10), (128, 256, 64)]),
    Row("bmm", _batched, (*FLOATS, "bf16"), [(3, 5, 7, 3), (8, 33, 17, 33), (16, 32, 64, 32)]),
    Row("einsum", _einsum, FLOATS, [(3, 33, 7), (4, 20, 64)]),
    Row("mv", _matvec, (*FLOATS, "bf16"), [(33, 65), (256, 256), (1000, 129)]),
    Row("dot", call2("dot"), FLOATS, shapes(33, 256, 512, 1000, 40000)),
    Row("outer", call2("outer"), FLOATS, shapes(33, 100)),
    Row("cdist", call2("cdist"), FLOATS, [(8, 5), (33, 20)]),
    Row("int_mm", _integers, ("i8",), [(32, 32), (64, 64)]),
    Row("linalg.cholesky", _symmetric("linalg.cholesky"), FLOATS, SQUARES),
    Row("linalg.eigh", _symmetric("linalg.eigh"), FLOATS, [(8, 8), (33, 33), (64, 64)]),
    Row("linalg.qr", call("linalg.qr"), FLOATS, SQUARES),
    Row("linalg.svd", call("linalg.svd"), FLOATS, [(8, 8), (33, 33), (64, 64)]),
    Row("linalg.inv", call("linalg.inv"), FLOATS, SQUARES),
    Row("linalg.det", call("linalg.det"), FLOATS, SQUARES),
    Row("linalg.slogdet", call("linalg.slogdet"), FLOATS, SQUARES),
    Row("linalg.matrix_norm", call("linalg.matrix_norm", 2), FLOATS, [(8, 8), (33, 33)]),
    Row("linalg.matrix_exp", call("linalg.matrix_exp"), FLOATS, [(8, 8), (33, 33)]),
    Row("linalg.lu_factor", call("linalg.lu_factor"), FLOATS, SQUARES),
    Row("linalg.solve", _solve, FLOATS, [(8, 8), (33, 33)]),
    Row("linalg.solve_triangular", _triangular, FLOATS, SQUARES),
    *(Row(name, call(name), FLOATS, shapes(64, 100, 1009, 4096)) for name in ("fft.fft", "fft.rfft")),
    Row("fft.irfft", call("fft.irfft"), ("c64", "c128"), shapes(33, 100)),
    Row("fft.fft2", call("fft.fft2"), FLOATS, [(16, 16), (30, 50), (4, 32, 32)]),
    Row("stft", _windows, FLOATS, shapes(256, 1000)),
]  # fmt: skip
